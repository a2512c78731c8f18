/**
 * What a node knows about its NICs under test: which CPU serves the interrupt of each receive queue, and how many packets
 * arrive. By MAC address, because the name and the interrupts' numbers change when a NIC is taken out and put back.
 */
import { z } from 'zod';
import { CoalmineError } from '../../core/errors.ts';
import type { Executor } from '../../core/command.ts';
import type { MachineNic } from '../../core/node.ts';
import { nodeProgram } from './node-program.ts';

const factsSchema = z.strictObject({
  mac: z.string(),
  /** As the node names it now. */
  name: z.string(),
  /** Of each receive queue, the CPU that serves it now. */
  cpus: z.array(z.number().int()),
  /** Packets a second that arrived while we looked. */
  arrivedPerSecond: z.number(),
});
export type NicFacts = z.infer<typeof factsSchema>;

const ASK_MS = 10_000;
/** How long arriving packets are counted. */
const LOOK_MS = 1_000;

const READ = `
const { readFileSync, readdirSync, readlinkSync } = require('node:fs');
const [, lookMs, ...macs] = process.argv;
const text = (file) => { try { return readFileSync(file, 'utf8').trim(); } catch { return ''; } };
const NET = '/sys/class/net/';
const nameOf = (mac) => readdirSync(NET).find((name) => text(NET + name + '/address') === mac);
const arrived = (name) => Number(text(NET + name + '/statistics/rx_packets'));
const irqs = text('/proc/interrupts').split('\\n').map((line) => line.trim().split(/\\s+/));
const deviceOf = (name) => { try { return readlinkSync(NET + name + '/device').split('/').pop(); } catch { return ''; } };
const cpusOf = (name) => {
  const prefix = deviceOf(name) + '-input.';
  const own = irqs.filter((words) => words.at(-1).startsWith(prefix)).map(([irq]) => irq.replace(':', ''));
  return own.map((irq) => parseInt(text('/proc/irq/' + irq + '/effective_affinity_list'))).filter((cpu) => cpu >= 0);
};
const found = macs.flatMap((mac) => { const name = nameOf(mac); return name === undefined ? [] : [{ mac, name, cpus: cpusOf(name) }]; });
const before = found.map(({ name }) => arrived(name));
const began = performance.now();
setTimeout(() => {
  const seconds = (performance.now() - began) / 1000;
  console.log(JSON.stringify(found.map((nic, index) => ({ ...nic, arrivedPerSecond: Math.round((arrived(nic.name) - before[index]) / seconds) }))));
}, Number(lookMs));
`;

/** Returns the facts of those NICs that are in the node now. Throws `inject` where the node cannot say. */
export async function readNics(
  executor: Executor,
  nics: readonly Pick<MachineNic, 'mac'>[],
): Promise<NicFacts[]> {
  const command = nodeProgram(READ, String(LOOK_MS), ...nics.map(({ mac }) => mac));
  const answer = await executor.run(command, { timeoutMs: ASK_MS });
  if (answer.exitCode === 0) return z.array(factsSchema).parse(JSON.parse(answer.stdout));
  const why = answer.stderr.trim().slice(-500);
  throw new CoalmineError('inject', `could not read the NICs of ${executor.name}: ${why}`);
}

/**
 * Returns two NICs whose first receive queues are served by one CPU, of the CPU that has most of them; undefined where no
 * two share one. Pure.
 */
export function twoOnOneCpu(facts: readonly NicFacts[]): NicFacts[] | undefined {
  const byCpu = new Map<number, NicFacts[]>();
  for (const nic of facts) {
    const [cpu] = nic.cpus;
    if (cpu !== undefined) byCpu.set(cpu, [...(byCpu.get(cpu) ?? []), nic]);
  }
  const [most = []] = [...byCpu.values()].sort((a, b) => b.length - a.length);
  return most.length < 2 ? undefined : most.slice(0, 2);
}

/** `eth1 on CPU 0, eth3 on CPU 0`. Pure. */
export function whereServed(facts: readonly NicFacts[]): string {
  return facts.map(({ name, cpus }) => `${name} on CPU ${cpus.join(' ')}`).join(', ');
}
