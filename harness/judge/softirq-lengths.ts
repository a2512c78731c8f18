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

/** The bucket of the run in the middle, and of the longest one, in milliseconds. */
export function middleAndLongest(lengths: Lengths): { middleMs: number; longestMs: number } {
  const buckets = [...lengths].sort(([a], [b]) => a - b);
  const half = runsOf(lengths) / 2;
  let seen = 0;
  const middle = buckets.find(([, runs]) => (seen += runs) >= half);
  return {
    middleMs: (middle?.[0] ?? 0) / 1_000,
    longestMs: (buckets.at(-1)?.[0] ?? 0) / 1_000,
  };
}
