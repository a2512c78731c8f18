/**
 * Puts the interrupts of all NIC queues on one CPU: what irqbalance 1.8.0 did with the queues of a NIC that came back, and
 * never took back (seed 000). A balancer that watches load moves them again; one that does not needs a restart. By `sh`,
 * `cat`, `grep` and `tee` alone: a flooded node has no time to start a program of ours.
 */
import { z } from 'zod';
import { positiveDurationSchema } from '../../core/duration.ts';
import type { Command } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { NodeAgent } from '../../core/node.ts';
import type { Fault } from './fault.ts';
import { nodeParam } from './node-param.ts';

const params = z.strictObject({
  node: nodeParam,
  cpu: z.int().min(0).max(1_023).default(0).describe('the CPU that gets them all'),
  for: positiveDurationSchema.optional(),
});

const UNDO_MS = 20_000;
const ASK_MS = 10_000;

/** A queue of a NIC, by the end of its line in /proc/interrupts. */
const QUEUE = /^\s*(\d+):.*\svirtio\d+-(?:in|out)put\.\d+$/;

export const pileIrqs: Fault<z.infer<typeof params>> = {
  name: 'pile-irqs',
  params,
  prepare: async ({ cpu }, { agent, node }) => {
    const before = await readAsked(agent);
    const files = [...before.keys()];
    const piled = String(cpu);
    if ([...before.values()].every((cpus) => cpus === piled)) {
      const why = `${node.name} has ${files.length} interrupts of NIC queues, and none that is not on CPU ${cpu} alone already`;
      throw new CoalmineError('inject', why);
    }
    // Exits with 0 where one of them that is there has something else than this CPU.
    const isSpread = ['grep', '--quiet', '--no-messages', '-vxe', piled, '--', ...files] as const;
    const moved = files.filter((file) => before.get(file) !== piled);
    let wasPiled = false;
    return {
      where: 'node',
      inject: [ask(piled, files)],
      undo: {
        undo: [...new Set(before.values())].map((cpus) =>
          ask(
            cpus,
            files.filter((file) => before.get(file) === cpus),
          ),
        ),
        restore: [],
        verify: { command: noneOn(piled, moved), exitCode: 0 },
        timeoutMs: UNDO_MS,
      },
      // Once is enough: whoever spreads them again does what is hoped for.
      felt: async () => {
        const { exitCode } = await agent.run({ argv: [...isSpread] }, { timeoutMs: ASK_MS });
        wasPiled ||= exitCode === 1;
        return {
          felt: wasPiled,
          evidence: `${files.length} interrupts were ${wasPiled ? 'all' : 'never all'} on CPU ${cpu}; last seen ${exitCode === 1 ? 'piled' : 'spread'}`,
        };
      },
    };
  },
};

/** Returns what was asked for, by file: the CPUs that may serve each interrupt of a NIC queue. */
async function readAsked(agent: NodeAgent): Promise<Map<string, string>> {
  const table = await agent.run({ argv: ['cat', '/proc/interrupts'] }, { timeoutMs: ASK_MS });
  const files = queuesOf(table.stdout).map((irq) => `/proc/irq/${irq}/smp_affinity_list`);
  if (files.length === 0) return new Map();
  const grep = ['grep', '--no-messages', '-H', '-e', '', '--', ...files] as const;
  const { stdout } = await agent.run({ argv: [...grep] }, { timeoutMs: ASK_MS });
  return new Map(
    stdout.split('\n').flatMap((line): [string, string][] => {
      const [, file, cpus] = /^(\/proc\/irq\/\d+\/\w+):([\d,-]+)$/.exec(line) ?? [];
      return file === undefined || cpus === undefined ? [] : [[file, cpus]];
    }),
  );
}

/** Returns the numbers of the interrupts of NIC queues. Pure. */
export function queuesOf(interrupts: string): string[] {
  return interrupts.split('\n').flatMap((line) => QUEUE.exec(line)?.[1] ?? []);
}

/** Exits with 0 where none of those that are there has exactly this CPU: one that is spread proves nothing of the others. */
function noneOn(cpu: string, files: readonly string[]): Command {
  // grep alone cannot say it: it fails for a file that went with its NIC.
  return { argv: ['sh', '-c', '! grep -qsxe "$0" -- "$@"', cpu, ...files] };
}

function ask(cpus: string, files: readonly string[]): Command {
  return { argv: ['tee', '--', ...files], stdin: cpus };
}
