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
  /** The same by what was served: `42:virtio3-input.0`, or `NET_RX`. */
  byName: Map<string, number>;
}

/** Returns the growth of the counters `NAME.cpuN` whose name (without a number before it) fits one of the patterns. */
export function servedIn(
  readings: readonly Sample[],
  window: Window,
  patterns: readonly string[],
): Served {
  const served: Served = { total: 0, byCpu: new Map(), byName: new Map() };
  let before: Sample['values'] | undefined;
  for (const { tMs, values } of readings) {
    // A reading that failed is empty, and takes nothing away.
    if (tMs < window.fromMs || tMs > window.toMs || Object.keys(values).length === 0) continue;
    if (before !== undefined) {
      for (const [key, after] of Object.entries(values)) {
        const grown = increase(before[key] ?? 0, after, 32);
        if (grown > 0) count(served, key, grown, patterns);
      }
    }
    before = values;
  }
  return served;
}

function count(served: Served, key: string, grown: number, patterns: readonly string[]): void {
  const [, name, cpu] = /^(.*)\.cpu(\d+)$/.exec(key) ?? [];
  if (name === undefined || !isOneOf(name, patterns)) return;
  served.total += grown;
  served.byCpu.set(Number(cpu), (served.byCpu.get(Number(cpu)) ?? 0) + grown);
  served.byName.set(name, (served.byName.get(name) ?? 0) + grown);
}

function isOneOf(name: string, patterns: readonly string[]): boolean {
  const owner = name.replace(/^\d+:/, '');
  return patterns.some((pattern) => matches(pattern, owner));
}

/** The busiest CPU's share; NaN where nothing was served, so that no limit holds. */
export function busiestShare({ total, byCpu }: Served): number {
  return Math.max(0, ...byCpu.values()) / total;
}

/** The interrupts that carried at least this share of what all of them did. */
export function loadedNames({ total, byName }: Served, shareMin: number): string[] {
  return [...byName].filter(([, grown]) => grown >= shareMin * total).map(([name]) => name);
}
