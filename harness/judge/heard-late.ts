/**
 * What the API says is dated when the controller hears it. Where the controller stalled, the word had waited: it may be
 * older by as long as that. What a node's agent read is dated by the node, and is not late.
 */
import { eventsOf, type History } from '../core/history.ts';

/** What had queued up meanwhile is worked off first. */
const AFTER_MS = 1_000;

/** Returns, for a moment at which something was heard, by how much it may have been earlier; 0 mostly. */
export function heardLate(history: History): (tMs: number) => number {
  const gaps = eventsOf(history, 'controller-gap');
  return (tMs) =>
    gaps
      .filter(({ fromMs, gapMs }) => tMs >= fromMs && tMs <= fromMs + gapMs + AFTER_MS)
      .reduce((sum, { gapMs }) => sum + gapMs, 0);
}
