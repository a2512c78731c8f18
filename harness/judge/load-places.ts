/**
 * The limits of a load's checker, kept by each load on each node as well as by all of them: the busiest would hide the
 * rest. A place with few requests must not fail by the one that any place may lose, though, when 0.1 % of them is none: it
 * breaks a limit when so many are over it as would come by chance less than once in a thousand runs at the limit itself.
 */
import { byPlace, totalOf, type LoadEvent, type LoadTotals } from './load-intervals.ts';
import { chanceOfAtLeast } from './statistics/chance.ts';
import { distributionOf } from './statistics/distribution.ts';

const CHANCE_MAX = 0.001;
/** What a 99th percentile leaves out. */
const SLOW_SHARE_MAX = 0.01;

export interface PlaceOver {
  place: string;
  total: LoadTotals;
  /** More requests were lost than `lossMax` explains. */
  lossy: boolean;
  /** The 99th percentile, where more requests took longer than `p99Max` than one in a hundred explains. */
  slowMs: number | undefined;
}

/** Returns the places that break a limit; none where there is only one, which is judged as the sum. */
export function placesOver(
  events: readonly LoadEvent[],
  { lossMax, p99Max = Infinity }: { lossMax: number; p99Max?: number | undefined },
): PlaceOver[] {
  const places = [...byPlace(events)];
  if (places.length < 2) return [];
  return places
    .map(([place, own]) => {
      const total = totalOf(own);
      const { sent, ok, latenciesMs } = total;
      const p99 = distributionOf(latenciesMs)?.p99 ?? 0;
      const slow = latenciesMs.filter((ms) => ms > p99Max).length;
      const isSlow = p99 > p99Max && isOver(slow, latenciesMs.length, SLOW_SHARE_MAX);
      const lossy = isOver(sent - ok, sent, lossMax);
      return { place, total, lossy, slowMs: isSlow ? p99 : undefined };
    })
    .filter(({ lossy, slowMs }) => lossy || slowMs !== undefined);
}

function isOver(bad: number, of: number, share: number): boolean {
  return bad > share * of && chanceOfAtLeast(bad, { of, share }) < CHANCE_MAX;
}
