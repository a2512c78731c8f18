/** A point in time that a wait must not pass. Every wait has one, and says which thing and which limit when it fails. */
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from './clock.ts';
import { formatDuration } from './duration.ts';
import { CoalmineError, messageOf } from './errors.ts';

export interface Deadline {
  /** The whole length that was granted, for messages. */
  readonly timeoutMs: number;
  remainingMs(): number;
}

export function deadlineIn(timeoutMs: number): Deadline {
  const endMs = monotonicMs() + timeoutMs;
  return { timeoutMs, remainingMs: () => Math.max(0, endMs - monotonicMs()) };
}

export interface Wait {
  /** What is waited for, as it reads after "waited for": `node w1 to be Ready`. */
  what: string;
  timeoutMs: number;
  everyMs?: number;
  signal?: AbortSignal;
}

/**
 * Asks `probe` until it returns something other than undefined. A probe that throws counts as "not yet"; its last error
 * becomes the cause of the `deadline` error. Throws the signal's reason when aborted.
 */
export async function waitFor<T>(wait: Wait, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = deadlineIn(wait.timeoutMs);
  let lastError: unknown;
  for (;;) {
    wait.signal?.throwIfAborted();
    try {
      const value = await probe();
      if (value !== undefined) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (deadline.remainingMs() === 0) break;
    await delay(Math.min(wait.everyMs ?? 250, deadline.remainingMs()), undefined, {
      signal: wait.signal,
    });
  }
  const last = lastError === undefined ? '' : `; last error: ${messageOf(lastError)}`;
  throw new CoalmineError(
    'deadline',
    `waited for ${wait.what} and gave up after ${formatDuration(wait.timeoutMs)}${last}`,
    { cause: lastError },
  );
}

/**
 * Waits for `work`, but not longer than `timeoutMs`: for a call whose far end may be frozen or gone. The work itself is
 * not stopped; what it does later is ignored.
 */
export async function within<T>(what: string, timeoutMs: number, work: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const limit = delay(timeoutMs, undefined, { signal: stop.signal }).then(() => {
    throw new CoalmineError(
      'deadline',
      `waited for ${what} and gave up after ${formatDuration(timeoutMs)}`,
    );
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    stop.abort();
    limit.catch(() => undefined);
    work.catch(() => undefined);
  }
}
