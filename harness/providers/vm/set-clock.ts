/** Sets a node's clock to ours. */
import type { Executor } from '../../core/command.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';

const STEP_MS = 120_000;

/** Certificates are valid from now on: a node whose clock is behind would refuse them. */
export async function setClock(node: Executor, signal: AbortSignal): Promise<void> {
  const seconds = (Date.now() / 1_000).toFixed(3);
  const argv = ['date', '--utc', `--set=@${seconds}`] as const;
  await runOrThrow(node, { argv }, { timeoutMs: STEP_MS, signal, code: 'provision' });
}
