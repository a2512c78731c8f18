/**
 * How old a wrong entry is, and what is said about it when it ends.
 *
 * - `sinceMs`, cause `api`: the API changed and the kernel had not followed: when the API's word reached us.
 * - `sinceMs`, cause `kernel`: the kernel changed and nobody had asked for it (a rule lost or planted by hand, a proxy
 *   that went wrong): the first reading that showed it, so late by up to one sample period.
 * - It *opens*, and so becomes an episode, once a reading that was surely made after `sinceMs` shows it wrong. A change
 *   that the kernel follows before such a reading is only `rule-settled`.
 * - It ends at the first reading that shows it right (late by up to one sample period), or, exactly, when the API's word
 *   makes it right. An entry still wrong at the end has `untilMs` null, and age 0 where it never opened.
 * - The kernel can be ahead of us: kube-proxy heard the API's word before we did. Then the kernel seems to change by
 *   itself, and a moment later the API explains it. Up to AHEAD_MS this is no error but a change that took 0 ms.
 */
import type { EventOf } from '../../core/history.ts';

const AHEAD_MS = 1_000;

export type FreshnessEvent = EventOf<'rule-episode'> | EventOf<'rule-settled'>;

/** Which entry, in words for events. */
export interface EntryName {
  node: string;
  service: string;
  port: string;
  endpoint: string;
}

export interface Wrong {
  readonly entry: EntryName;
  readonly error: 'stale' | 'missing';
  readonly cause: 'api' | 'kernel';
  readonly sinceMs: number;
  /** False for what was wrong at the very first reading: nobody knows when it was asked for. */
  readonly timed: boolean;
  opened: boolean;
}

/** The first reading that shows it right. */
export function endedByReading(wrong: Wrong, tMs: number): FreshnessEvent[] {
  const events: FreshnessEvent[] = wrong.opened ? [episode(wrong, tMs, tMs)] : [];
  if (wrong.cause === 'api' && wrong.timed)
    events.push(settled(wrong, tMs, Math.max(0, tMs - wrong.sinceMs)));
  return events;
}

/** The API came to want what the kernel has. */
export function endedByApi(wrong: Wrong, tMs: number): FreshnessEvent[] {
  if (!wrong.opened) return [];
  if (isAhead(wrong, tMs)) return [settled(wrong, tMs, 0)];
  return [episode(wrong, tMs, tMs)];
}

/**
 * Nobody watches any longer. What the API could still have explained is left out. A change after the last reading is told,
 * too: it is known to be wrong for no time, and not to be right either.
 */
export function endedByStop(wrong: Wrong, tMs: number): FreshnessEvent[] {
  if (isAhead(wrong, tMs)) return [];
  return [episode(wrong, wrong.opened ? tMs : wrong.sinceMs, null)];
}

function isAhead(wrong: Wrong, tMs: number): boolean {
  return wrong.cause === 'kernel' && tMs - wrong.sinceMs <= AHEAD_MS;
}

function episode(wrong: Wrong, tMs: number, untilMs: number | null): EventOf<'rule-episode'> {
  const { entry, error, sinceMs } = wrong;
  return { tMs, kind: 'rule-episode', ...entry, error, sinceMs, untilMs };
}

/** After the API's change a missing entry is one that was added; where the kernel was ahead, it is the other way round. */
function settled(wrong: Wrong, tMs: number, tookMs: number): EventOf<'rule-settled'> {
  const { node, service, endpoint } = wrong.entry;
  const followed = wrong.cause === 'api' ? wrong.error : opposite(wrong.error);
  const change = followed === 'missing' ? 'added' : 'removed';
  return { tMs, kind: 'rule-settled', node, change, service, endpoint, tookMs };
}

function opposite(error: 'stale' | 'missing'): 'stale' | 'missing' {
  return error === 'stale' ? 'missing' : 'stale';
}
