/**
 * The one clock of a run. Every time in a history is `tMs`: milliseconds since the run's start on the controller's
 * monotonic clock. Wall-clock time appears only for people.
 */
export interface RunClock {
  /** Wall-clock time of tMs = 0, ISO 8601, for people only. */
  readonly startedAt: string;
  nowMs(): number;
}

/** Reads CLOCK_MONOTONIC in milliseconds, with microsecond resolution. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

export function startRunClock(): RunClock {
  const originMs = monotonicMs();
  return { startedAt: new Date().toISOString(), nowMs: () => monotonicMs() - originMs };
}
