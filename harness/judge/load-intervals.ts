/**
 * What the load generators counted, without the intervals that must not be judged: those in which the generator itself
 * stood still (its node was frozen: what it timed is its own sleep), and those of excepted phases.
 */
import { z } from 'zod';
import { durationSchema } from '../core/duration.ts';
import { eventsOf, type EventOf, type History, type Window } from '../core/history.ts';
import { asleep, judgedSpan, overlapMs, phaseSpans } from './windows.ts';

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
}

/** What was in flight when a node froze is answered just after it woke up, in the next interval. */
const WAKE_MS = 1_000;

export function loadIntervals(
  history: History,
  type: LoadEvent['type'],
  { loads, except, grace }: LoadSelection,
): LoadIntervals {
  const excused = phaseSpans(history)
    .filter(({ name }) => except.includes(name))
    .map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs + grace }));
  const found: LoadIntervals = { judged: [], excepted: [], voided: [] };
  const span = judgedSpan(history);
  for (const event of eventsOf(history, 'load')) {
    if (event.type !== type || (loads !== undefined && !loads.includes(event.load))) continue;
    // What a generator does while it starts and while it is stopped belongs to no phase.
    if (span === undefined || event.toMs <= span.fromMs || event.toMs > span.toMs) continue;
    if (excused.some((window) => overlapMs(window, event) > 0)) found.excepted.push(event);
    else if (sleptThrough(history, event)) found.voided.push(event);
    else found.judged.push(event);
  }
  return found;
}

function sleptThrough(history: History, event: LoadEvent): boolean {
  return asleep(history, event.node).some(
    ({ fromMs, toMs }) => overlapMs({ fromMs, toMs: toMs + WAKE_MS }, event) > 0,
  );
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
    const place = `${event.load} on ${event.node}`;
    const own = places.get(place) ?? [];
    own.push(event);
    places.set(place, own);
  }
  return places;
}

/** By load and node, and by phase. */
export function groups(history: History, events: readonly LoadEvent[]): [string, LoadEvent[]][] {
  const byPhase = phaseSpans(history).map((span): [string, LoadEvent[]] => [
    `phase ${span.name}`,
    events.filter((event) => within(span, event)),
  ]);
  return [...byPlace(events), ...byPhase].filter(([, own]) => own.length > 0);
}

/** A request belongs to the interval in which it ended, and an interval to the phase in which it ended. */
function within(span: Window, event: LoadEvent): boolean {
  return event.toMs > span.fromMs && event.toMs <= span.toMs;
}
