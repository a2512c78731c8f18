/** Exact percentiles of what was measured: no bucket, no estimate, nobody left out. */

export interface Distribution {
  count: number;
  p50: number;
  p99: number;
  max: number;
}

/** Nearest rank. Undefined for no values: a percentile of nothing is not 0. */
export function distributionOf(values: Iterable<number>): Distribution | undefined {
  const sorted = Float64Array.from(values).sort();
  const count = sorted.length;
  if (count === 0) return undefined;
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * count) - 1)] ?? 0;
  return { count, p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}
