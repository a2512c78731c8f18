/** Which DNS server is asked, and the first question to it. */
import { createSocket } from 'node:dgram';
import { getServers } from 'node:dns';
import { isIP, isIPv6 } from 'node:net';
import { waitFor } from '../../../core/deadline.ts';
import { encodeQuery, messageId, rcodeName, readAnswer } from './packet.ts';

const DNS_PORT = 53;
const TRY_MS = 1_000;

export interface DnsServer {
  address: string;
  port: number;
}

/** Reads `10.96.0.10`, `10.96.0.10:5353`, `fd00::a` or `[fd00::a]:5353`; without text, resolv.conf's first nameserver. */
export function dnsServer(text: string | undefined): DnsServer {
  const wanted = text ?? getServers()[0] ?? '';
  if (isIP(wanted) !== 0) return { address: wanted, port: DNS_PORT };
  const [, address = '', port = ''] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(wanted) ?? [];
  if (isIP(address) === 0 || Number(port) > 65_535)
    throw new Error(`'${wanted}' is not the address of a DNS server (an IP, or IP:port)`);
  return { address, port: Number(port) };
}

export function socketType(server: DnsServer): 'udp4' | 'udp6' {
  return isIPv6(server.address) ? 'udp6' : 'udp4';
}

/** Asks for the A record of `name` until it is answered with NOERROR: rules and DNS pods may still be on their way. */
export async function untilAnswered(
  server: DnsServer,
  name: string,
  withinMs: number,
): Promise<string> {
  const where = `${server.address} port ${server.port}`;
  await waitFor(
    { what: `an answer from ${where} about ${name}`, timeoutMs: withinMs },
    async () => {
      const rcode = await askOnce(server, name);
      if (rcode !== 0) throw new Error(rcodeName(rcode));
      return true;
    },
  );
  return where;
}

function askOnce(server: DnsServer, name: string): Promise<number> {
  const query = encodeQuery(name, 'A');
  const socket = createSocket(socketType(server));
  let timer: NodeJS.Timeout | undefined;
  return new Promise<number>((resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer in ${TRY_MS} ms`));
    }, TRY_MS);
    socket.on('error', reject);
    socket.on('message', (message) => {
      const rcode = messageId(message) === 0 ? readAnswer(message, query) : -1;
      if (rcode >= 0) resolve(rcode);
    });
    // As an event: given as a callback, it would swallow the error of a failed connect.
    socket.on('connect', () => {
      socket.send(query, (error) => {
        if (error !== null) reject(error);
      });
    });
    socket.connect(server.port, server.address);
  }).finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}
