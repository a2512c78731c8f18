/**
 * Puts the interrupts of all NICs under test on one CPU: what irqbalance 1.8.0 did with the queues of a NIC that came back,
 * and never took back (seed 000). A balancer that watches load moves them again; one that does not needs a restart.
 */
import { z } from 'zod';
import { durationSchema } from '../../core/duration.ts';
import type { Command } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { Fault } from './fault.ts';
import { nodeParam } from './node-param.ts';
import { nodeProgram } from './node-program.ts';

const params = z.strictObject({
  node: nodeParam,
  cpu: z.int().min(0).max(1_023).default(0).describe('the CPU that gets them all'),
  for: durationSchema.optional(),
});

const UNDO_MS = 20_000;
const ASK_MS = 10_000;

/** Prints the interrupts of the queues of NICs by number, each with the CPUs that were asked for. */
const READ = `
const { readFileSync, readlinkSync } = require('node:fs');
const [, ...nics] = process.argv;
const text = (file) => { try { return readFileSync(file, 'utf8').trim(); } catch { return ''; } };
const devices = nics.flatMap((nic) => { try { return readlinkSync('/sys/class/net/' + nic + '/device').split('/').pop(); } catch { return []; } });
const isQueue = (owner) => devices.some((device) => owner.startsWith(device + '-input.') || owner.startsWith(device + '-output.'));
const rows = text('/proc/interrupts').split('\\n').map((line) => line.trim().split(/\\s+/)).filter((words) => isQueue(words.at(-1)));
console.log(JSON.stringify(rows.map(([irq]) => irq.replace(':', '')).map((irq) => [irq, text('/proc/irq/' + irq + '/smp_affinity_list')])));
`;

/** Each word is an interrupt and its CPUs: \`42=0-1\`. One that is gone with its device needs nothing. */
const WRITE = `
const { existsSync, writeFileSync } = require('node:fs');
for (const [irq, cpus] of process.argv.slice(1).map((word) => word.split('='))) {
  const file = '/proc/irq/' + irq + '/smp_affinity_list';
  if (existsSync(file)) writeFileSync(file, cpus);
}
`;

/** Says \`piled\` where all of them that are there have this one CPU. */
const LOOK = `
const { readFileSync } = require('node:fs');
const [, cpu, ...irqs] = process.argv;
const text = (irq) => { try { return readFileSync('/proc/irq/' + irq + '/smp_affinity_list', 'utf8').trim(); } catch { return ''; } };
const asked = irqs.map(text).filter((cpus) => cpus !== '');
console.log(asked.length > 1 && asked.every((cpus) => cpus === cpu) ? 'piled' : 'spread');
`;

const askedSchema = z.array(z.tuple([z.string(), z.string()]));

export const pileIrqs: Fault<z.infer<typeof params>> = {
  name: 'pile-irqs',
  params,
  prepare: async ({ cpu }, { agent, node }) => {
    const read = nodeProgram(READ, ...(node.nics ?? []).map(({ name }) => name));
    const { stdout } = await agent.run(read, { timeoutMs: ASK_MS });
    const before = askedSchema.parse(JSON.parse(stdout));
    if (before.every(([, cpus]) => cpus === String(cpu))) {
      const what = `${before.length} interrupts of NICs under test`;
      const why = `${node.name} has ${what}, and none that is not on CPU ${cpu} alone already`;
      throw new CoalmineError('inject', why);
    }
    const look = nodeProgram(LOOK, String(cpu), ...before.map(([irq]) => irq));
    let wasPiled = false;
    return {
      where: 'node',
      inject: [write(before.map(([irq]) => [irq, String(cpu)]))],
      undo: {
        undo: [write(before)],
        restore: [],
        verify: { command: look, exitCode: 0, stdout: 'spread' },
        timeoutMs: UNDO_MS,
      },
      // Once is enough: whoever spreads them again does what is hoped for.
      felt: async () => {
        const now = (await agent.run(look, { timeoutMs: ASK_MS })).stdout.trim();
        wasPiled ||= now === 'piled';
        return {
          felt: wasPiled,
          evidence: `${before.length} interrupts were ${wasPiled ? 'all' : 'never all'} on CPU ${cpu}; last seen ${now}`,
        };
      },
    };
  },
};

function write(asked: readonly (readonly [string, string])[]): Command {
  return nodeProgram(WRITE, ...asked.map(([irq, cpus]) => `${irq}=${cpus}`));
}
