/** A small real DNS server on loopback whose answers a test plants by question, and which counts what it did. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { decode, encode, RECURSION_AVAILABLE, type Packet } from 'dns-packet';

export interface Asked {
  name: string;
  type: string;
  /** How many queries for this name and type came before. */
  nth: number;
  /** Source port of the query. */
  port: number;
}

export interface Reply {
  rcode?: 'SERVFAIL' | 'NXDOMAIN';
  delayMs?: number;
  /** Sent before the answer. */
  garbage?: (query: Buffer) => Buffer[];
}

export interface DnsResponder {
  readonly port: number;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

/** `plan` returns how to answer, or `drop`. */
export async function dnsResponder(
  plan: (asked: Asked) => Reply | 'drop',
  bind: { port: number } = { port: 0 },
): Promise<DnsResponder> {
  const socket = createSocket('udp4');
  const asked: Asked[] = [];
  const counts = new Map<string, number>();
  const send = (message: Buffer, to: RemoteInfo): void => {
    socket.send(message, to.port, to.address);
  };
  socket.on('message', (message, from) => {
    const query = decode(message);
    const { name = '', type = '' } = query.questions?.[0] ?? {};
    const nth = counts.get(`${name} ${type}`) ?? 0;
    counts.set(`${name} ${type}`, nth + 1);
    const question = { name, type, nth, port: from.port };
    asked.push(question);
    const reply = plan(question);
    if (reply === 'drop') return;
    for (const garbage of reply.garbage?.(message) ?? []) send(garbage, from);
    const answer = encode(answerTo(query, reply));
    if (reply.delayMs === undefined) send(answer, from);
    else setTimeout(send, reply.delayMs, answer, from).unref();
  });
  socket.bind(bind.port, '127.0.0.1');
  await once(socket, 'listening');
  let isClosed = false;
  return {
    port: socket.address().port,
    asked,
    async close() {
      if (isClosed) return;
      isClosed = true;
      socket.close();
      await once(socket, 'close');
    },
  };
}

const RCODES = { SERVFAIL: 2, NXDOMAIN: 3 } as const;

function answerTo(query: Packet, reply: Reply): Packet {
  const [question] = query.questions ?? [];
  const isPositive = reply.rcode === undefined && question?.type === 'A';
  return {
    type: 'response',
    id: query.id ?? 0,
    flags: RECURSION_AVAILABLE | (reply.rcode === undefined ? 0 : RCODES[reply.rcode]),
    questions: query.questions ?? [],
    answers: isPositive
      ? [{ type: 'A', name: question.name, ttl: 5, data: '192.0.2.1', class: 'IN' }]
      : [],
  };
}
