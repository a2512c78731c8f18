/**
 * How often softirqs and timer handlers ran for how long in a window, from the kernel's histograms. Lengths are known by
 * powers of two microseconds: a run in the bucket of 8192 took more than 4096 and at most 8192.
 */
import type { History, Sample, Window } from '../core/history.ts';

const PROBE = 'softirq-times';

/** The upper end of each bucket, in microseconds, to the runs in it. */
type Lengths = ReadonlyMap<number, number>;

export interface Counted {
  /** Between the readings that were compared. */
  lengthMs: number;
  /** `timer:estimation_timer[ip_vs]` to its runs. */
  byName: ReadonlyMap<string, Lengths>;
  /** Runs for which the kernel's tables had no room. */
  dropped: number;
}

/** Returns what was counted between the first and the last reading in the window; undefined where there are no two. */
export function countedIn(history: History, node: string, window: Window): Counted | undefined {
  const readings = history.samples.filter(
    (sample) =>
      sample.node === node &&
      sample.probe === PROBE &&
      sample.tMs >= window.fromMs &&
      sample.tMs <= window.toMs &&
      Object.keys(sample.values).length > 0,
  );
  const [first] = readings;
  const last = readings.at(-1);
  if (first === undefined || last === undefined || first === last) return undefined;
  return { lengthMs: last.tMs - first.tMs, ...growth(first, last) };
}

function growth(first: Sample, last: Sample): Omit<Counted, 'lengthMs'> {
  const byName = new Map<string, Map<number, number>>();
  let dropped = 0;
  for (const [key, after] of Object.entries(last.values)) {
    const grown = after - (first.values[key] ?? 0);
    if (grown <= 0) continue;
    const dot = key.lastIndexOf('.');
    const [name, bucket] = [key.slice(0, dot), key.slice(dot + 1)];
    if (bucket === 'dropped') {
      dropped += grown;
      continue;
    }
    const own = byName.get(name) ?? new Map<number, number>();
    own.set(Number(bucket), grown);
    byName.set(name, own);
  }
  return { byName, dropped };
}

export function runsOf(lengths: Lengths): number {
  return [...lengths.values()].reduce((sum, runs) => sum + runs, 0);
}

/** Runs that were longer for certain: of the bucket in which the limit lies nobody knows. */
export function longerThan(lengths: Lengths, limitMs: number): number {
  return [...lengths]
    .filter(([upperUs]) => upperUs / 2 >= limitMs * 1_000)
    .reduce((sum, [, runs]) => sum + runs, 0);
}

/** The buckets of the runs that were longer for certain, or of the longest run where none was; in milliseconds, in order. */
export function longestBuckets(
  lengths: Lengths,
  limitMs: number,
): { overMs: number; upToMs: number; runs: number }[] {
  const buckets = [...lengths]
    .sort(([a], [b]) => a - b)
    .map(([upperUs, runs]) => ({ overMs: upperUs / 2_000, upToMs: upperUs / 1_000, runs }));
  const over = buckets.filter(({ overMs }) => overMs >= limitMs);
  return over.length > 0 ? over : buckets.slice(-1);
}
