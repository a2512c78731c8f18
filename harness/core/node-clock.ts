/**
 * Sets a node's wall clock to the controller's, as a time service does: by moving it by as much as it is off. A time that
 * is set is over by the time that a busy node without KVM has started the command, which takes it a second or more.
 */
import type { Executor, RunOptions } from './command.ts';
import { formatDuration } from './duration.ts';
import { CoalmineError } from './errors.ts';

/** By how much a node's wall clock is behind the controller's (negative: ahead), true to ± `errorMs`. */
export interface ClockOffset {
  readonly ms: number;
  readonly errorMs: number;
}

export interface ClockedNode extends Executor {
  /** Asked anew: it knows nothing from before. Throws `agent` where nobody answers. */
  behind(): Promise<ClockOffset>;
}

const OFF_MS = 250;
const TRIES = 5;

/**
 * Undefined where the clock is right, or cannot be told from one that is; else moves it, and says by how much: ask again.
 * Throws `command` where it cannot be moved.
 */
export async function moveClock(
  node: ClockedNode,
  limits: RunOptions,
): Promise<string | undefined> {
  const { ms, errorMs } = await node.behind();
  if (Math.abs(ms) < Math.max(OFF_MS, errorMs)) return undefined;
  const by = `${(ms / 1_000).toFixed(3)} seconds`;
  const { exitCode, stderr } = await node.run({ argv: ['date', '--utc', `--set=${by}`] }, limits);
  if (exitCode !== 0)
    throw new CoalmineError('command', `the clock of ${node.name} cannot be set: ${stderr.trim()}`);
  const off = formatDuration(Math.round(Math.abs(ms)));
  return `its clock was ${off} ${ms > 0 ? 'behind' : 'ahead'}`;
}

/** Moves it until it is right. Throws `command` where it does not stay so: its kernel took a wrong measure of time. */
export async function setClock(node: ClockedNode, limits: RunOptions): Promise<void> {
  let wrong: string | undefined;
  for (let tries = 0; tries < TRIES; tries += 1) {
    wrong = await moveClock(node, limits);
    if (wrong === undefined) return;
  }
  const text = `the clock of ${node.name} does not go right: it was moved ${TRIES} times, and ${wrong ?? ''} at the last`;
  throw new CoalmineError('command', `${text}; the kernel may have taken a wrong measure of time`);
}
