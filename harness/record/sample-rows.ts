/**
 * A sample on disk is what changed since the last one of the same node and probe: `{t, n, p, v}`, in which null means
 * that the counter is gone. Most counters stand still most of the time, so this is a quarter of the bytes of full rows.
 */
import type { Sample } from '../core/history.ts';

export interface SampleRow {
  t: number;
  n: string;
  p: string;
  v: Readonly<Record<string, number | null>>;
}

/** Returns a function that turns complete samples into rows; the first of each node and probe is complete. */
export function createSampleEncoder(): (sample: Sample) => SampleRow {
  const lastBySeries = new Map<string, Map<string, number>>();
  return ({ tMs, node, probe, values }) => {
    const series = seriesKey(node, probe);
    const last = lastBySeries.get(series) ?? new Map<string, number>();
    lastBySeries.set(series, last);
    const changed: Record<string, number | null> = {};
    for (const key of last.keys()) {
      if (isCounter(values, key)) continue;
      changed[key] = null;
      last.delete(key);
    }
    for (const [key, value] of Object.entries(values)) {
      if (!isCounter(values, key) || last.get(key) === value) continue;
      changed[key] = value;
      last.set(key, value);
    }
    // Microseconds are the clock's resolution; the float noise behind them would double the file.
    return { t: Math.round(tMs * 1_000) / 1_000, n: node, p: probe, v: changed };
  };
}

/** A value that JSON cannot hold is a counter that was not read. */
function isCounter(values: Readonly<Record<string, number>>, key: string): boolean {
  return key !== '__proto__' && Object.hasOwn(values, key) && Number.isFinite(values[key]);
}

export function seriesKey(node: string, probe: string): string {
  return `${node}\n${probe}`;
}

/** By hand and not by zod: a soak has 10^6 rows, and this is their whole schema. */
export function isSampleRow(row: unknown): row is SampleRow {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return false;
  const { t, n, p, v } = row as Partial<Record<string, unknown>>;
  return (
    typeof t === 'number' &&
    typeof n === 'string' &&
    typeof p === 'string' &&
    typeof v === 'object' &&
    v !== null &&
    !Array.isArray(v) &&
    Object.values(v).every((value) => value === null || typeof value === 'number')
  );
}
