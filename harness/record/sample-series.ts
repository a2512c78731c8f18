/**
 * Rows back to complete samples. A sample's values are put together when somebody asks for them: most checkers look at a
 * few probes, and 10^5 complete copies of a few hundred counters would not fit into memory.
 */
import type { Sample } from '../core/history.ts';
import { seriesKey, type SampleRow } from './sample-rows.ts';

type Values = Readonly<Record<string, number>>;

interface Series {
  readonly deltas: SampleRow['v'][];
  /** The values that were asked for last: a reader who goes forward pays for one delta a step. */
  last: { index: number; values: Values };
  /** Complete values at every CHECKPOINT_EVERY-th row that was passed, for a reader who goes back. */
  readonly checkpoints: Map<number, Values>;
}

const CHECKPOINT_EVERY = 256;

/** Returns samples in order of time; rows of one node and probe must come in the order in which they were written. */
export function samplesOf(rows: Iterable<SampleRow>): Sample[] {
  const bySeries = new Map<string, Series>();
  const samples: Sample[] = [];
  let inOrder = true;
  for (const { t, n, p, v } of rows) {
    const series = seriesOf(bySeries, seriesKey(n, p));
    const index = series.deltas.push(v) - 1;
    inOrder &&= t >= (samples.at(-1)?.tMs ?? t);
    samples.push({
      tMs: t,
      node: n,
      probe: p,
      get values() {
        return valuesAt(series, index);
      },
    });
  }
  return inOrder ? samples : samples.sort((a, b) => a.tMs - b.tMs);
}

function seriesOf(bySeries: Map<string, Series>, key: string): Series {
  const known = bySeries.get(key);
  if (known !== undefined) return known;
  const series: Series = { deltas: [], last: { index: -1, values: {} }, checkpoints: new Map() };
  bySeries.set(key, series);
  return series;
}

function valuesAt(series: Series, index: number): Values {
  const from = nearestBefore(series, index);
  // Copied before the first change: values that were handed out must stay as they were.
  let copy: Record<string, number> | undefined;
  for (let at = from.index + 1; at <= index; at += 1) {
    for (const [key, value] of Object.entries(series.deltas[at] ?? {})) {
      copy ??= { ...from.values };
      if (value === null) Reflect.deleteProperty(copy, key);
      else copy[key] = value;
    }
    if (at % CHECKPOINT_EVERY === 0) series.checkpoints.set(at, { ...(copy ?? from.values) });
  }
  series.last = { index, values: copy ?? from.values };
  return series.last.values;
}

function nearestBefore(series: Series, index: number): { index: number; values: Values } {
  if (series.last.index <= index && index - series.last.index <= CHECKPOINT_EVERY) {
    return series.last;
  }
  for (let at = index - (index % CHECKPOINT_EVERY); at >= 0; at -= CHECKPOINT_EVERY) {
    const values = series.checkpoints.get(at);
    if (values !== undefined) return { index: at, values };
  }
  return { index: -1, values: {} };
}
