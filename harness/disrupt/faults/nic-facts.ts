/**
 * What a node knows about its NICs under test: which CPU serves the interrupt of each receive queue, and how many packets
 * have arrived.
 */
import { z } from 'zod';
import { CoalmineError } from '../../core/errors.ts';
import type { Executor } from '../../core/command.ts';
import type { MachineNic } from '../../core/node.ts';
import { nodeProgram } from './node-program.ts';

const factsSchema = z.strictObject({
  name: z.string(),
  /** Of each receive queue, the CPU that serves it now. */
  cpus: z.array(z.number().int()),
  arrived: z.number(),
});
export type NicFacts = z.infer<typeof factsSchema>;

const ASK_MS = 10_000;

const READ = `
const { readFileSync, readlinkSync } = require('node:fs');
const [, ...names] = process.argv;
const NET = '/sys/class/net/';
const text = (file) => { try { return readFileSync(file, 'utf8').trim(); } catch { return ''; } };
const deviceOf = (name) => { try { return readlinkSync(NET + name + '/device').split('/').pop(); } catch { return ''; } };
const irqs = text('/proc/interrupts').split('\\n').map((line) => line.trim().split(/\\s+/));
const cpusOf = (name) => {
  const prefix = deviceOf(name) + '-input.';
  const own = irqs.filter((words) => words.at(-1).startsWith(prefix)).map(([irq]) => irq.replace(':', ''));
  return own.map((irq) => parseInt(text('/proc/irq/' + irq + '/effective_affinity_list'))).filter((cpu) => cpu >= 0);
};
const arrived = (name) => Number(text(NET + name + '/statistics/rx_packets'));
console.log(JSON.stringify(names.filter((name) => text(NET + name + '/address') !== '').map((name) => ({ name, cpus: cpusOf(name), arrived: arrived(name) }))));
`;

/** Returns the facts of those NICs that are in the node now. Throws `inject` where the node cannot say. */
export async function readNics(
  executor: Executor,
  nics: readonly Pick<MachineNic, 'name'>[],
): Promise<NicFacts[]> {
  const command = nodeProgram(READ, ...nics.map(({ name }) => name));
  const answer = await executor.run(command, { timeoutMs: ASK_MS });
  if (answer.exitCode === 0) return z.array(factsSchema).parse(JSON.parse(answer.stdout));
  const why = answer.stderr.trim().slice(-500);
  throw new CoalmineError('inject', `could not read the NICs of ${executor.name}: ${why}`);
}

/**
 * Returns how many packets have arrived, NIC by NIC. A flooded node has little time left for us: `cat` needs a tenth of
 * what a program of ours needs to start.
 */
export async function readArrived(
  executor: Executor,
  nics: readonly Pick<MachineNic, 'name'>[],
): Promise<number[]> {
  const files = nics.map(({ name }) => `/sys/class/net/${name}/statistics/rx_packets`);
  const answer = await executor.run({ argv: ['cat', ...files] }, { timeoutMs: ASK_MS });
  const counts = answer.stdout.split('\n').filter((line) => /^\d+$/.test(line));
  if (answer.exitCode === 0 && counts.length === nics.length) return counts.map(Number);
  throw new CoalmineError('inject', `not all flooded NICs are there: ${answer.stderr.trim()}`);
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
