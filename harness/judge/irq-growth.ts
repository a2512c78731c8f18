/**
 * Which CPU served how many interrupts in a window, from complete readings one after the other. Interrupts vanish and
 * return with their device, under the same number or another one: what appears began at 0, what went down began anew.
 */
import type { Sample, Window } from '../core/history.ts';
import { matches } from './drop-counters.ts';
import { increase } from './statistics/increase.ts';

export interface Served {
  total: number;
  /** CPU to what it served; a CPU that served nothing is not here. */
  byCpu: Map<number, number>;
}

/**
 * Returns the growth of the counters whose name fits one of the patterns; a name is `virtio3-input.0` of
 * `42:virtio3-input.0.cpu1`, `NET_RX` of `NET_RX.cpu1` and `processed` of `cpu1.processed`.
 */
export function servedIn(
  readings: readonly Sample[],
  window: Window,
  patterns: readonly string[],
): Served {
  const served: Served = { total: 0, byCpu: new Map() };
  let before: Readonly<Record<string, number>> | undefined;
  for (const { tMs, values } of readings) {
    // A reading that failed is empty, and takes nothing away.
    if (tMs < window.fromMs || tMs > window.toMs || Object.keys(values).length === 0) continue;
    const now: Record<string, number> = {};
    for (const [key, after] of Object.entries(values)) {
      const old = before?.[key] ?? 0;
      // A busy node's readings may come one before the other: what is a little less was counted already.
      now[key] = isEarlier(after, old) ? old : after;
      const grown = before === undefined ? 0 : increase(old, now[key], 32);
      const cpu = grown > 0 ? cpuOf(key, patterns) : undefined;
      if (cpu === undefined) continue;
      served.total += grown;
      served.byCpu.set(cpu, (served.byCpu.get(cpu) ?? 0) + grown);
    }
    before = now;
  }
  return served;
}

/** Not by as much as a counter falls that began anew, or wrapped. */
function isEarlier(after: number, old: number): boolean {
  return after < old && after > 0.9 * old;
}

function cpuOf(key: string, patterns: readonly string[]): number | undefined {
  const [, last, lastCpu] = /^(?:\d+:)?(.*)\.cpu(\d+)$/.exec(key) ?? [];
  const [, firstCpu, first] = /^cpu(\d+)\.(\w+)$/.exec(key) ?? [];
  const name = last ?? first;
  if (name === undefined || !patterns.some((pattern) => matches(pattern, name))) return undefined;
  return Number(lastCpu ?? firstCpu);
}

/** The busiest CPU's share; 0 where nothing was served, of which nothing can be said. */
export function busiestShare({ total, byCpu }: Served): number {
  return total === 0 ? 0 : Math.max(...byCpu.values()) / total;
}

/** CPUs that served at least this share of the whole, in order. */
export function usedCpus({ total, byCpu }: Served, shareMin: number): number[] {
  return [...byCpu]
    .filter(([, served]) => served >= shareMin * total)
    .map(([cpu]) => cpu)
    .sort((a, b) => a - b);
}

/** In words: `cpu0 43381, cpu1 84387`. */
export function perCpu({ byCpu }: Served): string {
  return [...byCpu]
    .sort(([a], [b]) => a - b)
    .map(([cpu, served]) => `cpu${cpu} ${served}`)
    .join(', ');
}
