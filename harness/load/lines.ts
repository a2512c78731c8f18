/**
 * What every load generator prints, one JSON object a line: ready, then one line an interval, then ended. A request
 * belongs to the interval in which it ended, so that the sums hold in each line by itself.
 */
import { z } from 'zod';

const count = z.number().int().nonnegative();
const wallMs = z.number().nonnegative();

/** Printed once, after a first request succeeded; nothing before it is counted. */
const readySchema = z.strictObject({
  ready: z.literal(true),
  atWallMs: wallMs,
  load: z.string(),
  /** What a reader of the log should know, for example the server that is asked. */
  detail: z.string().optional(),
});

const intervalSchema = z
  .strictObject({
    fromWallMs: wallMs,
    toWallMs: wallMs,
    /** Requests that ended in this interval: ok + timeouts + all errors. */
    sent: count,
    ok: count,
    timeouts: count,
    errors: z.record(z.string(), count),
    /** One for each request that was answered (whatever the answer said) or timed out (then at least the limit). */
    latenciesMs: z.array(z.number().nonnegative()),
    /** The longest stall of the generator itself, where it was above 200 ms: times of this interval are its own. */
    stallMs: z.number().nonnegative().optional(),
    /** Requests that were due and not sent, after an own stall or with all of `concurrency` in flight. */
    skipped: count.optional(),
    /** Held connections: how many live now, have died so far, and were opened again in place of a dead one. */
    flows: z.strictObject({ alive: count, dead: count, reopened: count }).optional(),
  })
  .refine((line) => line.sent === line.ok + line.timeouts + errorCount(line.errors), {
    error: 'sent is not ok + timeouts + errors',
  })
  .refine((line) => line.latenciesMs.length >= line.ok + line.timeouts, {
    error: 'a request that was answered or timed out has no latency',
  })
  .refine((line) => line.latenciesMs.length <= line.sent, {
    error: 'more latencies than requests',
  });

const endedSchema = z.strictObject({
  /** Why it ended, for people: `stopped`, `the time was over`, or what went wrong. */
  ended: z.string(),
  atWallMs: wallMs,
  total: z.strictObject({ sent: count, ok: count, timeouts: count, errors: count }).optional(),
  /** Requests that were still in flight at the very end and are in no interval. */
  unfinished: count.optional(),
});

const lineSchema = z.union([readySchema, intervalSchema, endedSchema]);
export type IntervalLine = z.infer<typeof intervalSchema>;
export type EndedLine = z.infer<typeof endedSchema>;
export type LoadLine = z.infer<typeof lineSchema>;

/** Returns the line, or undefined where the text is talk (k6 warnings, stack traces) or damaged. Never throws. */
export function parseLoadLine(text: string): LoadLine | undefined {
  if (!text.startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return lineSchema.safeParse(value).data;
}

function errorCount(errors: Readonly<Record<string, number>>): number {
  return Object.values(errors).reduce((sum, each) => sum + each, 0);
}
