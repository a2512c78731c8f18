/**
 * What stood still without a fault that explains it: the controller, an agent, a load generator. One definition for
 * self-noise, which counts what is void, and for the checkers of loads, which leave it out: a gap that one of them voids
 * and the other does not count would hide any failure.
 */
import { z } from 'zod';
import { durationSchema } from '../core/duration.ts';
import { eventsOf, type EventOf, type History, type Window } from '../core/history.ts';
import { away, faultSpans, overlapMs } from './windows.ts';

export const noiseParams = z.strictObject({
  agentGapMax: durationSchema
    .default(500)
    .describe('unexplained stall of a node agent that voids its window'),
  controllerGapMax: durationSchema
    .default(1_000)
    .describe('stall of the controller that voids its window'),
  generatorStallMax: durationSchema
    .default(1_000)
    .describe('unexplained stall of a load generator that voids its window'),
  voidShareMax: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('largest share of the judged time that one of them may be void'),
});
export type NoiseLimits = z.infer<typeof noiseParams>;

/** As the run's own self-noise check has them: it is always judged, asked for or not. */
export function noiseLimits({ plan }: History): NoiseLimits {
  const use = plan.checks.find(({ name }) => name === 'self-noise');
  return noiseParams.safeParse(use?.params ?? {}).data ?? noiseParams.parse({});
}

export interface Stall extends Window {
  who: string;
  /** The part that no freeze explains. */
  ownMs: number;
  maxMs: number;
}

export function isVoid({ ownMs, maxMs }: Stall): boolean {
  return ownMs > maxMs;
}

/** A frozen node wakes up to a backlog: its processes are late for a moment more. */
const WAKE_MS = 2_000;

export function allStalls(history: History, limits: NoiseLimits): Stall[] {
  const nodes = new Set(eventsOf(history, 'agent-gap').map(({ node }) => node));
  const controller = eventsOf(history, 'controller-gap').map(({ fromMs, gapMs }) => ({
    ...{ fromMs, toMs: fromMs + gapMs, who: 'the controller' },
    ...{ ownMs: gapMs, maxMs: limits.controllerGapMax },
  }));
  const generators = eventsOf(history, 'load').flatMap(
    (event) => generatorStall(history, event, limits) ?? [],
  );
  return [
    ...[...nodes].flatMap((node) => agentStalls(history, node, limits)),
    ...controller,
    ...generators,
  ];
}

export function agentStalls(history: History, node: string, limits: NoiseLimits): Stall[] {
  const freezes = freezesOf(history, node);
  return gapsOf(history, node).map((gap) => {
    const frozenMs = freezes.reduce((sum, freeze) => sum + overlapMs(freeze, gap), 0);
    const ownMs = gap.toMs - gap.fromMs - frozenMs;
    return { ...gap, who: `the agent of ${node}`, ownMs, maxMs: limits.agentGapMax };
  });
}

export function generatorStall(
  history: History,
  { load, node, fromMs, toMs, stallMs }: EventOf<'load'>,
  limits: NoiseLimits,
): Stall | undefined {
  if (stallMs === undefined) return undefined;
  const explained = announcedSleep(history, node).some(
    (sleep) =>
      overlapMs({ fromMs: sleep.fromMs, toMs: sleep.toMs + WAKE_MS }, { fromMs, toMs }) > 0,
  );
  const ownMs = explained ? 0 : stallMs;
  const who = `load ${load} on ${node}`;
  return { fromMs, toMs, who, ownMs, maxMs: limits.generatorStallMax };
}

/** When a node slept because a fault had it sleep: what its agent's gaps have in common with freezes, and its restarts. */
export function announcedSleep(history: History, node: string): readonly Window[] {
  const byNode = ANNOUNCED.get(history) ?? new Map<string, readonly Window[]>();
  ANNOUNCED.set(history, byNode);
  const known = byNode.get(node);
  if (known !== undefined) return known;
  const gaps = gapsOf(history, node);
  const frozen = freezesOf(history, node).flatMap((freeze) =>
    gaps
      .filter((gap) => overlapMs(gap, freeze) > 0)
      .map((gap) => ({
        fromMs: Math.max(gap.fromMs, freeze.fromMs),
        toMs: Math.min(gap.toMs, freeze.toMs),
      })),
  );
  const found = [...frozen, ...away(history, node)];
  byNode.set(node, found);
  return found;
}

/** Asked for each interval of each load, and a history does not change. */
const ANNOUNCED = new WeakMap<History, Map<string, readonly Window[]>>();

function gapsOf(history: History, node: string): Window[] {
  return eventsOf(history, 'agent-gap')
    .filter((gap) => gap.node === node)
    .map(({ fromMs, gapMs }) => ({ fromMs, toMs: fromMs + gapMs }));
}

/** A freeze begins while its injection is still being confirmed. */
function freezesOf(history: History, node: string): Window[] {
  return faultSpans(history)
    .filter((span) => span.fault === 'freeze' && span.node === node)
    .map(({ armedMs, toMs }) => ({ fromMs: armedMs, toMs: toMs + WAKE_MS }));
}
