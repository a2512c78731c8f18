/** Where in time things were: phases, freezes, and how long a node was awake. */
import { eventsOf, phaseWindow, type EventOf, type History, type Window } from '../core/history.ts';

export interface PhaseSpan extends Window {
  name: string;
}

/** Planned phases that began, in order. */
export function phaseSpans(history: History): PhaseSpan[] {
  return history.plan.phases.flatMap(({ name }) => {
    const window = phaseWindow(history, name);
    return window === undefined ? [] : [{ name, ...window }];
  });
}

/** From the first phase's start to the last one's end; undefined where no phase began. */
export function judgedSpan(history: History): Window | undefined {
  const spans = phaseSpans(history);
  const [first] = spans;
  if (first === undefined) return undefined;
  return { fromMs: first.fromMs, toMs: Math.max(...spans.map(({ toMs }) => toMs)) };
}

export function overlapMs(a: Window, b: Window): number {
  return Math.max(0, Math.min(a.toMs, b.toMs) - Math.max(a.fromMs, b.fromMs));
}

/** What is left of a window without those, in order. */
export function uncovered(window: Window, by: readonly Window[]): Window[] {
  const left: Window[] = [];
  let fromMs = window.fromMs;
  for (const one of by.toSorted((a, b) => a.fromMs - b.fromMs)) {
    if (one.fromMs > fromMs && fromMs < window.toMs)
      left.push({ fromMs, toMs: Math.min(one.fromMs, window.toMs) });
    fromMs = Math.max(fromMs, one.toMs);
  }
  if (fromMs < window.toMs) left.push({ fromMs, toMs: window.toMs });
  return left;
}

/** The stretches in which the node's agent did not tick: frozen, starved, or away for a fault. */
export function asleep(history: History, node: string): readonly Window[] {
  const byNode = ASLEEP.get(history) ?? new Map<string, readonly Window[]>();
  ASLEEP.set(history, byNode);
  const known = byNode.get(node);
  if (known !== undefined) return known;
  const gaps = eventsOf(history, 'agent-gap')
    .filter((gap) => gap.node === node)
    .map(({ fromMs, gapMs }) => ({ fromMs, toMs: fromMs + gapMs }));
  const found = [...gaps, ...away(history, node)];
  byNode.set(node, found);
  return found;
}

/** Asked for each interval of each load, and a history does not change. */
const ASLEEP = new WeakMap<History, Map<string, readonly Window[]>>();

/** From each loss of the node's agent to its return, where both lie in a fault that had the node boot anew. */
export function away(history: History, node: string): Window[] {
  const restarts = faultSpans(history).filter(
    (span) => span.node === node && span.shows?.as === 'new-boot',
  );
  const times = (kind: 'agent-lost' | 'agent-back'): number[] =>
    eventsOf(history, kind)
      .filter((event) => event.node === node)
      .map(({ tMs }) => tMs);
  const backs = times('agent-back');
  return times('agent-lost').flatMap((lostMs) => {
    const fault = restarts.find(({ armedMs, toMs }) => lostMs >= armedMs && lostMs <= toMs);
    const backMs = backs.find((tMs) => tMs >= lostMs);
    return fault === undefined || backMs === undefined || backMs > fault.toMs
      ? []
      : [{ fromMs: lostMs, toMs: backMs }];
  });
}

/**
 * When the machine under a node stood still as a whole because a fault held it (only such a freeze has this to show): nothing
 * on it ran or was routed. A node whose processes alone are paused is another matter: its kernel goes on. Each begins when the
 * fault was armed, which is a few milliseconds early, and so ends early, too: what it leaves out, really stood still.
 */
export function machineStill(history: History, node: string): Window[] {
  return faultSpans(history).flatMap(({ node: at, shows, armedMs, toMs }) => {
    if (at !== node || shows === undefined || shows.as === 'new-boot') return [];
    return [{ fromMs: armedMs, toMs: Math.min(toMs, armedMs + shows.forMs) }];
  });
}

/** When each boot of a node after the first that was met began; the counters of its kernel then began at 0. */
export function newBoots(history: History, node: string): number[] {
  const boots = eventsOf(history, 'boot').filter((boot) => boot.node === node);
  return boots.flatMap(({ id, atMs }, index) => {
    const before = boots[index - 1];
    return before === undefined || before.id === id ? [] : [atMs];
  });
}

/** How long a node could be observed in a window. */
export function awakeMs(history: History, node: string, window: Window): number {
  const slept = asleep(history, node).reduce((sum, gap) => sum + overlapMs(gap, window), 0);
  return Math.max(0, window.toMs - window.fromMs - slept);
}

/** A fault by its id, from injection to the confirmed undo (or to the end of the history). */
export interface FaultSpan extends Window {
  id: string;
  fault: string;
  node: string;
  /** It may take effect while its injection is still being confirmed. */
  armedMs: number;
  /** What the node's own agent must have to show for it. */
  shows?: EventOf<'fault'>['shows'];
}

export function faultSpans(history: History): FaultSpan[] {
  const events = eventsOf(history, 'fault');
  const lastMs = history.events.at(-1)?.tMs ?? 0;
  return events
    .filter(({ state }) => state === 'injected')
    .map(({ id, fault, node, tMs, shows }) => {
      const undone = events.find((event) => event.id === id && event.state === 'undone');
      const armed = events.find((event) => event.id === id && event.state === 'armed');
      const armedMs = armed?.tMs ?? tMs;
      const span = { id, fault, node, armedMs, fromMs: tMs, toMs: undone?.tMs ?? lastMs };
      return shows === undefined ? span : { ...span, shows };
    });
}

/** Phases that the checker's own parameters name but that the plan does not have: a check of nothing. */
export function unknownPhases(history: History, names: readonly string[]): string[] {
  return names.filter((name) => !history.plan.phases.some((phase) => phase.name === name));
}
