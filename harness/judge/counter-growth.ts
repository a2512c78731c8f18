/**
 * How much each drop counter grew in each phase: every step from one reading to the next counts once, in one phase. A node
 * that booted anew counts from 0 again, which says more than whether a counter went down.
 */
import type { History, Sample } from '../core/history.ts';
import { dropCounterOf, type DropCounter } from './drop-counters.ts';
import { increase } from './statistics/increase.ts';
import { newBoots, phaseSpans, type PhaseSpan } from './windows.ts';

export interface Growth {
  node: string;
  /** `<probe>/<key>`. */
  counter: string;
  kind: DropCounter;
  /** By phase; a phase without growth is not here. */
  byPhase: Map<string, number>;
  /** From one reading to the next, `ms` apart: those in which it grew, in order. */
  steps: { phase: string; ms: number; drops: number }[];
}

interface Track extends Growth {
  value: number | undefined;
  atMs: number | undefined;
}

/** A series of one probe on one node. */
interface Series {
  /** Whether a reading that had anything in it came before: what appears after it is new, not just read late. */
  seen: boolean;
  tracks: Map<string, Track>;
  /** Keys that are no drops, so that the patterns are asked once. */
  ignored: Set<string>;
  /** Whether the step over the end of the last phase was counted. */
  closed: boolean;
  /** Boots of the node that are still to come. */
  boots: number[];
}

export function dropGrowth(history: History, wanted: readonly string[] | undefined): Growth[] {
  const phases = phaseSpans(history);
  const series = new Map<string, Series>();
  for (const sample of history.samples) {
    const key = `${sample.node}\n${sample.probe}`;
    const own = series.get(key) ?? {
      seen: false,
      tracks: new Map<string, Track>(),
      ignored: new Set<string>(),
      closed: false,
      boots: newBoots(history, sample.node),
    };
    series.set(key, own);
    if (own.closed) continue;
    if (own.boots[0] !== undefined && own.boots[0] <= sample.tMs) beginAnew(own, sample.tMs);
    step(own, sample, phaseAt(phases, sample.tMs), wanted);
    own.closed = sample.tMs > (phases.at(-1)?.toMs ?? Infinity);
  }
  return [...series.values()].flatMap(({ tracks }) => [...tracks.values()]);
}

/** A step belongs to the phase that began last before its later reading, so that nothing falls between two phases. */
function phaseAt(phases: readonly PhaseSpan[], tMs: number): string | undefined {
  return phases.findLast(({ fromMs }) => fromMs < tMs)?.name;
}

function beginAnew(series: Series, tMs: number): void {
  series.boots = series.boots.filter((atMs) => atMs > tMs);
  for (const track of series.tracks.values()) track.value = 0;
}

function step(
  series: Series,
  sample: Sample,
  phase: string | undefined,
  wanted: readonly string[] | undefined,
): void {
  const { values, node, probe, tMs } = sample;
  const entries = Object.entries(values);
  for (const [key, value] of entries) {
    const track = series.tracks.get(key) ?? begin(series, node, `${probe}/${key}`, key, wanted);
    if (track === undefined) continue;
    const { bornAtZero, bits } = track.kind;
    const before =
      track.value ?? (bornAtZero === true && (series.seen || isRule(probe)) ? 0 : value);
    const grown = increase(before, value, bits);
    if (grown > 0 && phase !== undefined) {
      track.byPhase.set(phase, (track.byPhase.get(phase) ?? 0) + grown);
      track.steps.push({ phase, ms: tMs - (track.atMs ?? tMs), drops: grown });
    }
    track.value = value;
    track.atMs = tMs;
  }
  // A file that cannot be read gives an empty reading, and takes nothing away.
  if (entries.length === 0) return;
  series.seen = true;
  for (const [key, track] of series.tracks) {
    if (track.kind.bornAtZero !== true || Object.hasOwn(values, key)) continue;
    // A device that comes back is another one. A rule has a name of its own: it was only not read. So was a pod that
    // the kubelet left out of one answer; where another one has its name, its counter went down.
    if (!isRule(probe) && probe !== 'cadvisor') track.value = 0;
  }
}

/** No rule to be shown is an empty reading too, so that a rule is new even if nothing was ever seen before it. */
export function isRule(probe: string): boolean {
  return probe === 'drop-rules';
}

function begin(
  series: Series,
  node: string,
  counter: string,
  key: string,
  wanted: readonly string[] | undefined,
): Track | undefined {
  if (series.ignored.has(key)) return undefined;
  const kind = dropCounterOf(counter, wanted);
  if (kind === undefined) {
    series.ignored.add(key);
    return undefined;
  }
  const track: Track = {
    ...{ node, counter, kind, byPhase: new Map<string, number>(), steps: [] },
    ...{ value: undefined, atMs: undefined },
  };
  series.tracks.set(key, track);
  return track;
}
