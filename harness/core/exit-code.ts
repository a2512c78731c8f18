/** From what happened to the number that a script reads. One pure table; the order is the order in which a person must act. */
import type { Verdict } from './verdict.ts';

export interface Outcome {
  /** Undefined where nothing came to be judged. */
  verdict: Verdict | undefined;
  dirty: boolean;
  signal?: 'SIGINT' | 'SIGTERM' | undefined;
  /** What stopped the run before its end, as the exit code that this cause has by itself. */
  stoppedBy?: 2 | 4 | 5 | 6 | undefined;
}

const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
const VERDICT_CODES = { pass: 0, inconclusive: 3, fail: 1 } as const;

/**
 * 5 something is left on the target, then 130/143 interrupted, 6 internal error, 4 provisioning failed, 2 usage,
 * 1 failed, 3 inconclusive, 0 pass. No verdict and no cause is an internal error: never 0 for want of a reason.
 */
export function exitCodeFor({ verdict, dirty, signal, stoppedBy }: Outcome): number {
  if (dirty || stoppedBy === 5) return 5;
  if (signal !== undefined) return SIGNAL_CODES[signal];
  if (stoppedBy !== undefined) return stoppedBy;
  return verdict === undefined ? 6 : VERDICT_CODES[verdict];
}

const SEVERITY = [5, 130, 143, 6, 4, 2, 1, 3, 0];

/** Returns the code that decides over many cells: the one on which a person must act first. */
export function worstExitCode(codes: readonly number[]): number {
  const rank = (code: number): number => {
    const at = SEVERITY.indexOf(code);
    return at === -1 ? SEVERITY.indexOf(6) : at;
  };
  if (codes.length === 0) return 3;
  return SEVERITY[Math.min(...codes.map(rank))] ?? 6;
}
