/**
 * Floods NICs of a node with small UDP packets from outside, as seed 000 needs it: a balancer that never moves an interrupt
 * looks like a good one until there is load. `shared-cpu` reads the interrupts' affinities first and floods two NICs that
 * one CPU serves: whoever balances has something to move then, whatever the placement was.
 */
import { z } from 'zod';
import { monotonicMs } from '../../core/clock.ts';
import { positiveDurationSchema } from '../../core/duration.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { MachineNic } from '../../core/node.ts';
import type { Fault, FaultTarget, Felt } from './fault.ts';
import { readArrived, readNics, twoOnOneCpu, whereServed } from './nic-facts.ts';
import { nodeParam } from './node-param.ts';
import { countFloods, startFlood, stopFloods, type Flood } from './trafgen.ts';

const params = z.strictObject({
  node: nodeParam,
  nics: z
    .enum(['all', 'shared-cpu'])
    .default('all')
    .describe(
      'all NICs under test, or two whose interrupts one CPU serves when the flood begins (the first gets two thirds)',
    ),
  rate: z
    .int()
    .min(100)
    .max(1_000_000)
    .default(60_000)
    .describe('packets a second, over all flooded NICs together'),
  flows: z.int().min(1).max(1_000).default(64).describe('source ports, for NICs with many queues'),
  arrivedMin: z
    .int()
    .min(1)
    .default(500)
    .describe('packets a second that each flooded NIC must count, or the flood was not felt'),
  for: positiveDurationSchema.optional(),
});
type Params = z.infer<typeof params>;

/** A flood that nobody ends is over after this, or a minute after its own time. */
const LIMIT_S = 3_600;
const UNDO_MS = 15_000;
const ASK_MS = 5_000;

export const flood: Fault<Params> = {
  name: 'flood',
  params,
  prepare: async (wanted, target) => {
    await demandTrafgen(target);
    const { nics, placed, before } = await chooseNics(wanted, target);
    const floods = nics.map((nic, index): Flood => ({
      nic,
      packetsPerSecond: Math.max(1, Math.round(wanted.rate * shareOf(wanted.nics, index, nics))),
      flows: wanted.flows,
      limitSeconds: Math.max(LIMIT_S, Math.ceil((wanted.for ?? 0) / 1_000) + 60),
      tag: target.tag,
    }));
    return {
      where: 'controller',
      inject: floods.map(startFlood),
      undo: {
        undo: [stopFloods(floods)],
        restore: [],
        verify: { command: countFloods(floods), exitCode: 0, stdout: '0' },
        timeoutMs: UNDO_MS,
      },
      felt: isFelt(floods, { nics, placed, before }, wanted, target),
    };
  },
};

/**
 * Of two that share a CPU the first gets two thirds. irqbalance moves an interrupt of load L from a CPU with load A to one
 * with load B only where B + L < A - L: of two equal ones, which are all that a CPU serves, it moves none, and rightly so
 * by its own measure.
 */
function shareOf(which: Params['nics'], index: number, nics: readonly MachineNic[]): number {
  if (which === 'all') return 1 / nics.length;
  return index === 0 ? 2 / 3 : 1 / 3;
}

async function demandTrafgen({ controller }: FaultTarget): Promise<void> {
  const answer = await controller
    .run({ argv: ['trafgen', '--version'] }, { timeoutMs: ASK_MS })
    .catch(() => undefined);
  // It says its version and exits with 1.
  if (answer?.stdout.startsWith('trafgen ') === true) return;
  throw new CoalmineError('inject', 'trafgen cannot be run on this machine', {
    wayOut: 'Install it: `apt-get install netsniff-ng`, or `coalmine setup`.',
  });
}

interface Chosen {
  nics: readonly MachineNic[];
  /** Which CPU served which of them. */
  placed: string;
  /** Packets that had arrived on each. */
  before: readonly number[];
}

async function chooseNics({ nics: which }: Params, { node, agent }: FaultTarget): Promise<Chosen> {
  const all = node.nics ?? [];
  if (all.length === 0) {
    const wayOut = 'Say `machine: { testNics: 4 }` in the scenario; only the vm provider has them.';
    throw new CoalmineError('inject', `${node.name} has no NIC under test`, { wayOut });
  }
  const facts = await readNics(agent, all);
  const chosen = which === 'all' ? facts : (twoOnOneCpu(facts) ?? []);
  if (chosen.length === 0) {
    const why = which === 'all' ? 'none is there' : 'no two share a CPU';
    const seen = whereServed(facts);
    throw new CoalmineError('inject', `${node.name}: of the NICs under test ${why} (${seen})`);
  }
  const pairs = all.flatMap((nic) => {
    const own = chosen.find(({ name }) => name === nic.name);
    return own === undefined ? [] : [{ nic, arrived: own.arrived }];
  });
  return {
    nics: pairs.map(({ nic }) => nic),
    placed: whereServed(chosen),
    before: pairs.map(({ arrived }) => arrived),
  };
}

/**
 * Two proofs, because each alone could deceive: the node's own counters grew since the question before, and what sends is
 * still there. A counter that went down is that of a NIC which was taken out and put back, and began anew.
 */
function isFelt(
  floods: readonly Flood[],
  { nics, placed, before }: Chosen,
  { rate, arrivedMin }: Params,
  { agent, controller }: FaultTarget,
): () => Promise<Felt> {
  let last = { tMs: monotonicMs(), counts: before };
  return async () => {
    const counts = await readArrived(agent, nics);
    const now = { tMs: monotonicMs(), counts };
    const seconds = Math.max(1, now.tMs - last.tMs) / 1_000;
    const rates = counts.map((count, index) => {
      const old = last.counts[index] ?? 0;
      return Math.round((count >= old ? count - old : count) / seconds);
    });
    last = now;
    const sending = await controller.run(countFloods(floods), { timeoutMs: ASK_MS });
    const processes = Number(sending.stdout.trim() || Number.NaN);
    const each = nics.map(({ name }, index) => `${name} ${rates[index] ?? 0}`).join(', ');
    return {
      felt: rates.every((one) => one >= arrivedMin) && processes >= nics.length,
      evidence: `of ${rate} packets a second there arrived: ${each}; ${processes} processes send; at first ${placed}`,
    };
  };
}
