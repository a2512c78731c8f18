/** Counts what ended in the running interval, and in all. */
import type { EndedLine, IntervalLine } from '../lines.ts';

export interface Tally {
  readonly total: NonNullable<EndedLine['total']>;
  ok(latencyMs: number): void;
  /** `latencyMs` is what was waited, at least the limit. */
  timeout(latencyMs: number): void;
  /** An error that came as an answer (SERVFAIL, status 503) has a latency; one without an answer has none. */
  error(code: string, latencyMs?: number): void;
  skip(count: number): void;
  /** Returns the interval's line and begins the next one at `toWallMs`. */
  take(toWallMs: number, stallMs: number): IntervalLine;
}

/** A stall of the generator's own event loop that is worth a word. */
const STALL_MS = 200;

export function createTally(fromWallMs: number): Tally {
  const total = { sent: 0, ok: 0, timeouts: 0, errors: 0 };
  let line = emptyLine(fromWallMs);
  let skipped = 0;
  const latency = (ms: number): void => {
    line.latenciesMs.push(Math.round(ms * 100) / 100);
  };
  return {
    total,
    ok(latencyMs) {
      line.ok += 1;
      total.ok += 1;
      latency(latencyMs);
    },
    timeout(latencyMs) {
      line.timeouts += 1;
      total.timeouts += 1;
      latency(latencyMs);
    },
    error(code, latencyMs) {
      line.errors[code] = (line.errors[code] ?? 0) + 1;
      total.errors += 1;
      if (latencyMs !== undefined) latency(latencyMs);
    },
    skip(count) {
      skipped += count;
    },
    take(toWallMs, stallMs) {
      const before = total.sent;
      total.sent = total.ok + total.timeouts + total.errors;
      const taken: IntervalLine = { ...line, toWallMs, sent: total.sent - before };
      if (stallMs > STALL_MS) taken.stallMs = Math.round(stallMs);
      if (skipped > 0) taken.skipped = skipped;
      line = emptyLine(toWallMs);
      skipped = 0;
      return taken;
    },
  };
}

function emptyLine(fromWallMs: number): IntervalLine {
  return {
    fromWallMs,
    toWallMs: fromWallMs,
    sent: 0,
    ok: 0,
    timeouts: 0,
    errors: {},
    latenciesMs: [],
  };
}
