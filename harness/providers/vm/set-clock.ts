/** Sets a node's clock to ours. */
import type { Executor } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Hand } from './hand.ts';

const STEP_MS = 120_000;
/** A command that takes long to start sets a time that is over by then: what is further off is set again. */
const OFF_MS = 250;
const TRIES = 4;

/** Certificates are valid from now on: a node whose clock is behind would refuse them. */
export async function setClock(node: Executor, signal: AbortSignal): Promise<void> {
  const date = (word: string): Promise<string> =>
    runOrThrow(
      node,
      { argv: ['date', '--utc', word] },
      { timeoutMs: STEP_MS, signal, code: 'provision' },
    );
  let aheadMs = 0;
  for (let tries = 0; tries < TRIES; tries += 1) {
    await date(`--set=@${(Date.now() / 1_000).toFixed(3)}`);
    const fromMs = Date.now();
    const nodeMs = Number(await date('+%s%3N'));
    // It was read somewhere between our two readings: only what is outside of both is wrong for sure.
    aheadMs = nodeMs - Date.now();
    if (fromMs - nodeMs < OFF_MS && aheadMs < OFF_MS) return;
  }
  // A slow command leaves a clock behind. Only one that runs too fast is ahead: its kernel took the wrong measure of it.
  if (aheadMs < OFF_MS) return;
  throw new CoalmineError('provision', `the clock of ${node.name} runs too fast`, {
    wayOut: 'Run it again: the kernel of a busy machine’s guest seldom mistakes its clock.',
  });
}

/** By what heartbeats know, which a command that starts late does not spoil; by our time where they know nothing. */
export async function moveClock(
  node: Executor & Pick<Hand, 'behindMs'>,
  signal: AbortSignal,
): Promise<void> {
  const behindMs = node.behindMs();
  if (behindMs === undefined) return setClock(node, signal);
  if (Math.abs(behindMs) < OFF_MS) return;
  const by = `--set=${(behindMs / 1_000).toFixed(3)} seconds`;
  const argv = ['date', '--utc', by, '+%s%3N'] as const;
  const fromMs = Date.now();
  const nodeMs = Number(
    await runOrThrow(node, { argv }, { timeoutMs: STEP_MS, signal, code: 'provision' }),
  );
  // The time that it made, somewhere between our two readings.
  if (nodeMs < fromMs - OFF_MS || nodeMs > Date.now() + OFF_MS) await setClock(node, signal);
}
