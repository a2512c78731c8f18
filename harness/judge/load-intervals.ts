/**
 * What the load generators counted, without the intervals that must not be judged: those in which the generator itself
 * stood still (its node was frozen: what it timed is its own sleep), and those of excepted phases. Where too little is left
 * of one load on one node, no other may speak for it.
 */
import { z } from 'zod';
import { durationSchema } from '../core/duration.ts';
import { eventsOf, type EventOf, type History, type Window } from '../core/history.ts';
import {
  agentStalls,
  announcedSleep,
  generatorStall,
  isVoid,
  noiseLimits,
  type NoiseLimits,
} from './stalls.ts';
import { judgedSpan, overlapMs, phaseSpans } from './windows.ts';

export type LoadEvent = EventOf<'load'>;

/** Parameters that every checker of a load has. */
export const loadParams = {
  loads: z.array(z.string()).optional().describe('only these loads, by their names; default: all'),
  except: z.array(z.string()).default([]).describe('phases that are not judged, only reported'),
  grace: durationSchema
    .default(0)
    .describe('how long after an excepted phase is not judged either'),
};

export interface LoadSelection {
  loads?: string[] | undefined;
  except: string[];
  grace: number;
}

export interface LoadIntervals {
  judged: LoadEvent[];
  excepted: LoadEvent[];
  /** The generator's node slept, or the generator stalled by itself. */
  voided: LoadEvent[];
  /** Those of `voided` that no announced fault explains. */
  noisy: LoadEvent[];
}

/** What was in flight when a node froze is answered just after it woke up, in the next interval. */
const WAKE_MS = 1_000;
/** Intervals are a second long, and a stall of one voids all that it touches and what it wakes up to. */
const LEFT_OUT_PER_STALL = 3;

export function loadIntervals(
  history: History,
  type: LoadEvent['type'],
  { loads, except, grace }: LoadSelection,
): LoadIntervals {
  const found: LoadIntervals = { judged: [], excepted: [], voided: [], noisy: [] };
  const span = judgedSpan(history);
  if (span === undefined) return found;
  const excused = phaseSpans(history)
    .filter(({ name }) => except.includes(name))
    // What was asked in the last phase ends after it.
    .map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs < span.toMs ? toMs + grace : Infinity }));
  const whyVoid = voider(history, noiseLimits(history));
  for (const event of eventsOf(history, 'load')) {
    if (event.type !== type || (loads !== undefined && !loads.includes(event.load))) continue;
    // What a generator does while it starts belongs to no phase; while it ends, it hears what became of the last requests.
    if (event.toMs <= span.fromMs) continue;
    if (excused.some((window) => overlapMs(window, event) > 0)) {
      found.excepted.push(event);
      continue;
    }
    const why = whyVoid(event);
    if (why === undefined) found.judged.push(event);
    else found.voided.push(event);
    if (why === 'noise') found.noisy.push(event);
  }
  return found;
}

/** Returns what says why an interval is void, if it is: each node's stalls are found once. */
function voider(
  history: History,
  limits: NoiseLimits,
): (event: LoadEvent) => 'fault' | 'noise' | undefined {
  const stood = new Map<string, readonly Window[]>();
  for (const event of eventsOf(history, 'load')) {
    const ofAgent = `agent\n${event.node}`;
    if (!stood.has(ofAgent))
      stood.set(ofAgent, agentStalls(history, event.node, limits).filter(isVoid));
    const stall = generatorStall(history, event, limits);
    if (stall === undefined || !isVoid(stall)) continue;
    const own = placeOf(event);
    stood.set(own, [...(stood.get(own) ?? []), stall]);
  }
  return (event) => {
    if (announcedSleep(history, event.node).some((sleep) => touches(sleep, event))) return 'fault';
    // Late for a moment more, which self-noise does not count either.
    const stall = generatorStall(history, event, limits);
    if (stall?.ownMs === 0 && (event.stallMs ?? 0) > stall.maxMs) return 'fault';
    const stalls = [
      ...(stood.get(`agent\n${event.node}`) ?? []),
      ...(stood.get(placeOf(event)) ?? []),
    ];
    return stalls.some((stall) => touches(stall, event)) ? 'noise' : undefined;
  };
}

function touches({ fromMs, toMs }: Window, event: LoadEvent): boolean {
  return overlapMs({ fromMs, toMs: toMs + WAKE_MS }, event) > 0;
}

/** One sentence for each place of which too little is left for a verdict. */
export function tooLittleLeft(history: History, found: LoadIntervals): string[] {
  const { voidShareMax } = noiseLimits(history);
  const shareMax = Math.min(1, LEFT_OUT_PER_STALL * voidShareMax);
  const lengths = (events: readonly LoadEvent[], place: string): number =>
    events
      .filter((event) => placeOf(event) === place)
      .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const places = byPlace([...found.judged, ...found.voided, ...found.excepted]);
  return [...places.keys()].flatMap((place) => {
    const judgedMs = lengths(found.judged, place);
    const noisyMs = lengths(found.noisy, place);
    const share = noisyMs / (noisyMs + judgedMs);
    if (share > shareMax)
      return [
        `${place}: a share of ${Number(share.toPrecision(2))} is void (limit ${Number(shareMax.toPrecision(2))}), too little is left to judge`,
      ];
    return judgedMs === 0 ? [`${place}: no interval is left to judge`] : [];
  });
}

export interface LoadTotals {
  sent: number;
  ok: number;
  timeouts: number;
  errors: Record<string, number>;
  latenciesMs: number[];
}

export function totalOf(events: readonly LoadEvent[]): LoadTotals {
  const total: LoadTotals = { sent: 0, ok: 0, timeouts: 0, errors: {}, latenciesMs: [] };
  for (const event of events) {
    total.sent += event.sent;
    total.ok += event.ok;
    total.timeouts += event.timeouts;
    for (const [code, count] of Object.entries(event.errors)) {
      total.errors[code] = (total.errors[code] ?? 0) + count;
    }
    for (const latencyMs of event.latenciesMs) total.latenciesMs.push(latencyMs);
  }
  return total;
}

/** By load and node, with the label that evidence and messages use. */
export function byPlace(events: readonly LoadEvent[]): Map<string, LoadEvent[]> {
  const places = new Map<string, LoadEvent[]>();
  for (const event of events) {
    const own = places.get(placeOf(event)) ?? [];
    own.push(event);
    places.set(placeOf(event), own);
  }
  return places;
}

function placeOf({ load, node }: LoadEvent): string {
  return `${load} on ${node}`;
}

/** By load and node, and by phase. */
export function groups(history: History, events: readonly LoadEvent[]): [string, LoadEvent[]][] {
  const byPhase = phaseSpans(history).map((span): [string, LoadEvent[]] => [
    `phase ${span.name}`,
    events.filter((event) => within(span, event)),
  ]);
  const endMs = judgedSpan(history)?.toMs ?? Infinity;
  const after = events.filter(({ toMs }) => toMs > endMs);
  const all: [string, LoadEvent[]][] = [
    ...byPlace(events),
    ...byPhase,
    ['after the last phase', after],
  ];
  return all.filter(([, own]) => own.length > 0);
}

/** A request belongs to the interval in which it ended, and an interval to the phase in which it ended. */
function within(span: Window, event: LoadEvent): boolean {
  return event.toMs > span.fromMs && event.toMs <= span.toMs;
}
