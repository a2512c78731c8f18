/**
 * Freezes the machine under a node, as a cloud does when it moves a VM (seed 000). What proves what:
 * - `felt` asks the provider, because a frozen agent cannot answer: the machine's own word, or that the state which
 *   `verify` demands of a node that runs is not there. It proves that the provider's switch is on, and no more.
 * - That the node really stood still is proved from inside and afterwards: its agent's ticks have a gap as long as the
 *   freeze (`agent-gap`), or, where its clock stood still too, that clock is behind by as much (`clock-jump`). Where the
 *   node's kernel keeps track, how long no timer fired is the closer measure of a gap (traces/timers.ts). The checker
 *   fault-was-felt compares it with the length asked for.
 * Where the freeze `stops` only processes, kernel, softirq and timers went on; that is not the seed's freeze, and is said so.
 */
import { z } from 'zod';
import { positiveDurationSchema } from '../../core/duration.ts';
import { CoalmineError } from '../../core/errors.ts';
import {
  FREEZE_KINDS,
  type FreezeHold,
  type FreezeKind,
  type MachineFreeze,
  type NodeInfo,
} from '../../core/node.ts';
import { moveClock } from '../../core/node-clock.ts';
import type { Fault, FaultTarget, Felt, PreparedFault, Standstill } from './fault.ts';
import { nodeParam } from './node-param.ts';

const params = z.strictObject({
  node: nodeParam,
  for: positiveDurationSchema,
  how: z
    .enum(FREEZE_KINDS)
    .optional()
    .describe(
      'pause: processes only; suspend: machine and clock; stall: machine, its clock goes on',
    ),
});

const UNDO_MS = 20_000;
const ASK_MS = 4_000;
const CLOCK_MS = 10_000;
/** The agent looks at its own lateness so often while it is frozen, and for so long around it. */
const TICK_MS = 5;
const TICK_AROUND_MS = 3_000;

export const freeze: Fault<z.infer<typeof params>> = {
  name: 'freeze',
  params,
  prepare: ({ for: forMs, how }, target) => {
    const machine = freezeOf(target.node, how);
    if (machine === undefined) {
      const why = `this provider cannot ${how ?? 'freeze'} ${target.node.name}`;
      return Promise.reject(new CoalmineError('inject', why));
    }
    const undo = { undo: [machine.undo], restore: [], verify: machine.verify, timeoutMs: UNDO_MS };
    return Promise.resolve(
      machine.hold === undefined
        ? {
            where: 'controller',
            inject: [machine.inject],
            undo,
            felt: () => isFrozen(machine, target),
          }
        : { where: 'controller', undo, ...held(machine, machine.hold, forMs, target) },
    );
  },
};

/** Without a word in the scenario, the mildest that the node has. */
function freezeOf({ freezes }: NodeInfo, how?: FreezeKind): MachineFreeze | undefined {
  const kind = how ?? FREEZE_KINDS.find((one) => freezes?.[one] !== undefined);
  return kind === undefined ? undefined : freezes?.[kind];
}

/** A freeze that the machine's keeper ends by itself, to the millisecond. */
function held(
  { shows }: MachineFreeze,
  hold: (forMs: number) => Promise<FreezeHold>,
  forMs: number,
  { agent, standstill }: FaultTarget,
): Pick<PreparedFault, 'inject' | 'felt' | 'over' | 'shows' | 'measured' | 'notWholeYet'> {
  let frozen: FreezeHold | undefined;
  return {
    shows: { as: shows, forMs },
    inject: async () => {
      if (shows === 'agent-gap') {
        // An idle kernel has no timers either: these it always has.
        await agent.tickEvery(TICK_MS, forMs + TICK_AROUND_MS);
        await standstill?.forget();
      }
      frozen = await hold(forMs);
    },
    over: () => frozen?.over ?? Promise.resolve(),
    felt: () =>
      Promise.resolve(frozen?.proof() ?? { felt: false, evidence: 'the machine was not frozen' }),
    ...(shows === 'agent-gap' && standstill !== undefined
      ? { measured: () => measure(standstill) }
      : {}),
    // A cloud's time service sets a machine's clock after it was suspended; without it, every lease would be late.
    ...(shows === 'clock-jump'
      ? { notWholeYet: () => moveClock(agent, { timeoutMs: CLOCK_MS }) }
      : {}),
  };
}

/** From the last timer before to the first one after: too long by one tick at most. */
async function measure(
  standstill: Standstill,
): Promise<{ ms: number; errorMs: number } | undefined> {
  const gapMs = await standstill.longestMs();
  return gapMs === undefined ? undefined : { ms: gapMs - TICK_MS / 2, errorMs: TICK_MS / 2 };
}

/** A question that fails (the engine is away) is no proof: only another answer than that of a running node is. */
async function isFrozen(machine: MachineFreeze, { controller, node }: FaultTarget): Promise<Felt> {
  const { command, exitCode, stdout } = machine.verify;
  const answer = await controller.run(command, { timeoutMs: ASK_MS });
  const said = answer.stdout.trim();
  const felt =
    stdout === undefined
      ? answer.exitCode !== null && answer.exitCode !== exitCode
      : answer.exitCode === exitCode && said !== stdout.trim();
  const reading = `asked whether ${node.name} runs, the provider said ${JSON.stringify(said)} (exit ${answer.exitCode ?? 'by signal'})`;
  return { felt, evidence: `${reading}; ${machine.stops} stop` };
}
