/**
 * Whether a node shows that its machine booted anew: its kernel says another boot id than before, and that it began no
 * earlier than the fault let it. Neither is our word: a machine that went on, or came up too early, gives itself away.
 */
import { formatDuration } from '../../core/duration.ts';
import { eventsOf, type History } from '../../core/history.ts';
import type { FaultSpan } from '../windows.ts';

/** Uptimes are read to 10 ms, and a switch is known to have been thrown a moment later. */
const EARLY_MS = 50;

/** Returns why not, as a sentence; undefined where it does. `offMs` is how long it had to be off. */
export function whyNotBooted(
  history: History,
  { node, fault, armedMs, fromMs, toMs }: FaultSpan,
  offMs: number,
): string | undefined {
  const boots = eventsOf(history, 'boot').filter((boot) => boot.node === node);
  const before = boots.findLast(({ tMs }) => tMs <= armedMs);
  const after = boots.findLast(({ tMs }) => tMs > armedMs && tMs <= toMs);
  if (before === undefined) return `${fault}: nobody asked ${node} which boot it was before`;
  if (after === undefined) return `${fault}: ${node} never said that it booted anew`;
  if (after.id === before.id)
    return `${fault}: the kernel of ${node} still has the boot id ${before.id}: it never went down`;
  const earliestMs = (offMs === 0 ? armedMs : fromMs + offMs) - EARLY_MS;
  if (after.atMs + after.errorMs >= earliestMs) return undefined;
  const earlyMs = Math.round(earliestMs - after.atMs);
  return `${fault}: by its uptime the kernel of ${node} began ${formatDuration(earlyMs)} too early, before the fault was over`;
}
