/**
 * What a reboot and a power-off have in common: everything on the node ends, and begins again from its disk. What proves it
 * is the node's own kernel, which is another boot with an uptime of its own; our switch proves nothing. It is over when the
 * node's agent answers from that boot and its clock is right; whether the node is Ready again is for checkers to say.
 */
import { formatDuration } from '../../core/duration.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import { prettyCommand, type Command, type Executor } from '../../core/command.ts';
import type { Boot, MachinePower, NodeInfo, Restart, RestartBy } from '../../core/node.ts';
import { moveClock } from '../../core/node-clock.ts';
import type { FaultTarget, Felt, PreparedFault } from './fault.ts';

/** A guest that is told to reboot waits for its services, and without KVM a boot takes most of a minute on a busy machine. */
export const BACK_MS = 180_000;
const SWITCH_MS = 20_000;

export interface Switchable {
  readonly power: MachinePower;
  readonly restartBy: RestartBy;
}

/** Throws `inject` where there is no machine under the node, or its agent would not be met again. */
export function switchOf(node: NodeInfo, restartBy: RestartBy | undefined): Switchable {
  const { power } = node;
  if (power === undefined || restartBy === undefined)
    throw new CoalmineError('inject', `${node.name} is no machine that can be switched`);
  return { power, restartBy };
}

/** For a `deed` that takes at least `offMs` until the machine runs again. */
export function restarting(
  { node, agent }: Pick<FaultTarget, 'node' | 'agent'>,
  restartBy: RestartBy,
  { why, offMs, deed }: { why: string; offMs: number; deed: () => Promise<void> },
): Pick<PreparedFault, 'inject' | 'felt' | 'feltAfterwards' | 'shows' | 'notWholeYet'> {
  let restart: Restart | undefined;
  let outcome: { boot: Boot } | { failed: string } | undefined;
  return {
    shows: { as: 'new-boot', forMs: offMs },
    feltAfterwards: true,
    inject: async () => {
      restart = await restartBy(why, deed, offMs + 2 * BACK_MS);
      restart.after.then(
        (boot) => (outcome = { boot }),
        (error: unknown) => (outcome = { failed: messageOf(error) }),
      );
    },
    felt: () => Promise.resolve(feltBy(node.name, restart?.before, outcome)),
    notWholeYet: async () => {
      // It was never restarted: whoever tried to has said why.
      if (restart === undefined) return undefined;
      if (outcome === undefined) return `${node.name} has not booted yet`;
      // It never will: its machine is gone, and nothing is left to be undone.
      if ('failed' in outcome) return undefined;
      // A kernel begins with what its RTC says, in whole seconds.
      return moveClock(agent, { timeoutMs: SWITCH_MS });
    },
  };
}

function feltBy(
  node: string,
  before: Boot | undefined,
  outcome: { boot: Boot } | { failed: string } | undefined,
): Felt {
  if (before === undefined) return { felt: false, evidence: `${node} was not restarted` };
  if (outcome === undefined) return { felt: false, evidence: `${node} has not booted anew` };
  if ('failed' in outcome) return { felt: false, evidence: outcome.failed };
  const { id, atMs } = outcome.boot;
  const later = formatDuration(Math.round(atMs - before.atMs));
  return {
    felt: id !== before.id,
    evidence: `the kernel of ${node} is boot ${id}, begun ${later} after boot ${before.id}`,
  };
}

/** Runs one command that must exit 0. */
export async function must(executor: Executor, command: Command): Promise<void> {
  const { exitCode, stderr } = await executor.run(command, { timeoutMs: SWITCH_MS });
  if (exitCode === 0) return;
  const what = `\`${prettyCommand(command)}\` ended with ${exitCode ?? 'a signal'}`;
  throw new CoalmineError('inject', `${what}: ${stderr.trim().slice(-500)}`);
}
