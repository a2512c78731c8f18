/** The other end: echoes TCP and UDP on one port, in the pods behind the Services under test. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { print } from '../program.ts';

export interface EchoOptions {
  port: number;
  /** How long to serve on after SIGTERM: endpoints are taken out of the rules only while the pod already ends. */
  lingerMs: number;
}

/** Serves until SIGTERM; returns the exit code. */
export async function echo(options: EchoOptions): Promise<number> {
  const stop = new AbortController();
  process.on('SIGTERM', () => {
    stop.abort();
  });
  process.on('SIGINT', () => {
    stop.abort();
  });
  const tcp = await echoTcp(options.port);
  const address = tcp.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const udp = await echoUdp(port);
  print({ ready: true, atWallMs: Date.now(), load: 'echo', detail: `port ${port}` });
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
  await delay(options.lingerMs);
  tcp.close();
  udp.close();
  print({ ended: 'stopped', atWallMs: Date.now() });
  return 0;
}

async function echoTcp(port: number): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(port);
  await once(server, 'listening');
  return server;
}

async function echoUdp(port: number): Promise<UdpSocket> {
  const socket = createSocket({ type: 'udp6' });
  socket.on('message', (message, from) => {
    // Nobody to answer any more is the sender's business.
    socket.send(message, from.port, from.address, () => undefined);
  });
  socket.bind(port);
  await once(socket, 'listening');
  return socket;
}
