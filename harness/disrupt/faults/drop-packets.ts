/**
 * The positive control for the drop checker: a tagged packet filter rule, and exactly `count` UDP packets that the node
 * sends to itself and that the rule drops. Two kernel counters of the node's own network namespace see each of them:
 * - `OutDiscards` of `Ip:` in /proc/net/snmp: a datagram that a rule in OUTPUT drops fails in ip_send_skb (the sender gets
 *   EPERM), which counts it. A rule in INPUT or PREROUTING would leave every kernel counter as it was.
 * - the rule's own packet counter (`iptables-save -c`), which goes with the rule when it is undone.
 * The packets go over loopback to the discard port, so that nothing else can match and nothing leaves the node.
 */
import { z } from 'zod';
import { positiveDurationSchema } from '../../core/duration.ts';
import type { Command } from '../../core/command.ts';
import type { NodeAgent } from '../../core/node.ts';
import type { Fault, Felt } from './fault.ts';
import { nodeProgram } from './node-program.ts';
import { nodeParam } from './node-param.ts';

const params = z.strictObject({
  node: nodeParam,
  count: z.int().min(1).max(100_000).default(1_000).describe('packets to be dropped, exactly'),
  port: z.int().min(1).max(65_535).default(9).describe('UDP port on loopback; 9 is discard'),
  for: positiveDurationSchema.optional(),
});

const UNDO_MS = 15_000;
const ASK_MS = 4_000;
/** Seconds to wait for the lock that kube-proxy and others hold while they write rules. */
const LOCK_S = '5';
const ADDRESS = '127.0.0.1';

/** Sends one datagram after the other and demands that the kernel refuses each with EPERM. */
const SEND = `
const [, host, port, count] = process.argv;
const socket = require('node:dgram').createSocket('udp4');
const send = () => new Promise((resolve) => socket.send('coalmine', Number(port), host, resolve));
(async () => {
  let dropped = 0;
  for (let sent = 0; sent < Number(count); sent += 1) if ((await send())?.code === 'EPERM') dropped += 1;
  socket.close();
  console.log(dropped);
  if (dropped !== Number(count)) { console.error(dropped + ' of ' + count + ' packets were dropped'); process.exitCode = 1; }
})();
`;

export const dropPackets: Fault<z.infer<typeof params>> = {
  name: 'drop-packets',
  params,
  prepare: ({ count, port }, { agent, tag }) =>
    Promise.resolve({
      where: 'node',
      inject: [rule('-I', port, tag), nodeProgram(SEND, ADDRESS, String(port), String(count))],
      undo: {
        undo: [rule('-D', port, tag)],
        restore: [],
        verify: { command: rule('-C', port, tag), exitCode: 1 },
        timeoutMs: UNDO_MS,
      },
      felt: () => isCounted(agent, tag, count),
    }),
};

/** The tag makes the rule ours alone: `-D` and `-C` name it whole, so that no other rule can be meant. */
function rule(action: '-I' | '-D' | '-C', port: number, tag: string): Command {
  const match = ['-p', 'udp', '-d', `${ADDRESS}/32`, '--dport', String(port)];
  const ours = ['-m', 'comment', '--comment', tag, '-j', 'DROP'];
  return { argv: ['iptables', '-w', LOCK_S, '-t', 'filter', action, 'OUTPUT', ...match, ...ours] };
}

async function isCounted(agent: NodeAgent, tag: string, count: number): Promise<Felt> {
  const command: Command = { argv: ['iptables-save', '-c', '-t', 'filter'] };
  const { stdout } = await agent.run(command, { timeoutMs: ASK_MS });
  const packets = countedBy(stdout, tag);
  return {
    felt: packets === count,
    evidence:
      packets === undefined
        ? `no rule tagged ${tag} is in force`
        : `the rule tagged ${tag} dropped ${packets} packets; ${count} were sent`,
  };
}

/** Returns the packet counter of the rule with this comment, or undefined where there is none. Pure. */
export function countedBy(iptablesSave: string, tag: string): number | undefined {
  const line = iptablesSave.split('\n').find((one) => one.split(/[ "]+/).includes(tag));
  const packets = /^\[(\d+):\d+\] -A /.exec(line ?? '')?.[1];
  return packets === undefined ? undefined : Number(packets);
}
