/**
 * Whether a node shows a freeze of its machine for as long as was asked: time that its agent's ticks miss (a stall), or by
 * which its clock is behind (a suspend). What cannot be measured closely enough is no proof either.
 */
import { formatDuration } from '../../core/duration.ts';
import { eventsOf, type EventOf, type History, type Window } from '../../core/history.ts';
import { overlapMs, type FaultSpan } from '../windows.ts';
import { whyNotBooted } from './booted.ts';

type Shows = NonNullable<EventOf<'fault'>['shows']>;

/** The greater of the two: below two seconds, the wake-up of a guest alone would be more than the share. */
const OFF_SHARE_MAX = 0.01;
const OFF_MS_MAX = 20;
/** A jump is found by the next heartbeat, and measured by a few more. */
const FOUND_WITHIN_MS = 5_000;

/** Returns why not, as a sentence; undefined where it does. */
export function whyNotShown(
  history: History,
  span: FaultSpan,
  { as, forMs }: Shows,
): string | undefined {
  if (as === 'new-boot') return whyNotBooted(history, span, forMs);
  const limitMs = Math.max(OFF_MS_MAX, OFF_SHARE_MAX * forMs);
  const seen = as === 'agent-gap' ? stallIn(history, span) : jumpIn(history, span);
  const asked = `the freeze of ${span.node} was to be ${formatDuration(forMs)} long`;
  if (seen === undefined)
    return `${asked}, but ${as === 'agent-gap' ? 'its agent missed no tick' : 'its clock never stood still'}`;
  const { ms, errorMs } = seen;
  const measured = `${seen.what} ${formatDuration(ms)} ± ${formatDuration(errorMs)}`;
  if (errorMs > limitMs)
    return `${asked}; ${measured}, which is not close enough for a limit of ${formatDuration(limitMs)}`;
  if (Math.abs(ms - forMs) <= limitMs + errorMs) return undefined;
  return `${asked}, but ${measured}: off by more than ${formatDuration(limitMs)}`;
}

interface Measured {
  what: string;
  ms: number;
  errorMs: number;
}

/** By the kernel's word, where it was asked: an agent may be late for reasons of its own. */
function stallIn(history: History, span: FaultSpan): Measured | undefined {
  const told = eventsOf(history, 'standstill').find(({ id }) => id === span.id);
  if (told === undefined) return gapIn(history, span);
  return { what: 'no timer of its kernel fired for', ms: told.ms, errorMs: told.errorMs };
}

/** The middle of what the longest gap can have been: from its last tick before to its first after. */
function gapIn(history: History, span: FaultSpan): Measured | undefined {
  const window = around(span);
  const gaps = eventsOf(history, 'agent-gap').filter(
    ({ node, fromMs, gapMs }) =>
      node === span.node && overlapMs({ fromMs, toMs: fromMs + gapMs }, window) > 0,
  );
  const longest = gaps.toSorted((a, b) => b.gapMs - a.gapMs)[0];
  if (longest === undefined) return undefined;
  const errorMs = (longest.tickMs ?? longest.gapMs) / 2;
  return { what: 'its agent missed', ms: longest.gapMs - errorMs, errorMs };
}

function jumpIn(history: History, span: FaultSpan): Measured | undefined {
  const window = around(span);
  const jumps = eventsOf(history, 'clock-jump').filter(
    ({ node, tMs }) =>
      node === span.node && tMs >= window.fromMs && tMs <= window.toMs + FOUND_WITHIN_MS,
  );
  if (jumps.length === 0) return undefined;
  return {
    what: 'its clock stood still for',
    ms: jumps.reduce((sum, { jumpMs }) => sum + jumpMs, 0),
    errorMs: jumps.reduce((sum, { errorMs }) => sum + errorMs, 0),
  };
}

/** The machine stands still while its injection is still being confirmed. */
function around({ armedMs, toMs }: FaultSpan): Window {
  return { fromMs: armedMs, toMs };
}
