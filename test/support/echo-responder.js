/** A program: answers each DNS query with itself, marked as a response; as cheap as Node.js can. Prints its port. */
import { createSocket } from 'node:dgram';

const socket = createSocket('udp4');
socket.on('message', (message, from) => {
  message[2] |= 0x80;
  socket.send(message, from.port, from.address);
});
socket.bind(0, '127.0.0.1', () => {
  console.log(socket.address().port);
});
