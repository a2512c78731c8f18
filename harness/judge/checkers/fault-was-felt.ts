/** What was not felt was not survived: every planned disruption needs the proof that it took effect. Always checked. */
import { z } from 'zod';
import { formatDuration, parseDuration } from '../../core/duration.ts';
import { eventsOf, phaseWindow, type History } from '../../core/history.ts';
import { faultsOf, type PlannedPhase } from '../../core/plan.ts';
import { asleep, faultSpans, overlapMs, type FaultSpan } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';
import { whyNotShown } from './shown.ts';

const params = z.strictObject({
  freezeShareMin: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe("share of a freeze that the node's own agent must have missed"),
});

/** The disruptions that leave a hole in the agent's own ticks. */
const FREEZE = 'freeze';

interface Happened {
  id: string;
  what: string;
  kind: 'fault' | 'upgrade' | 'churn';
  name: string;
  tMs: number;
  /** Absent for a churn, which is for the cluster. */
  node?: string;
}

export const faultWasFelt: Checker<z.infer<typeof params>> = {
  name: 'fault-was-felt',
  params,
  check: (history, { freezeShareMin }) => {
    const happened = disruptions(history);
    const felt = eventsOf(history, 'felt');
    const unfelt = happened
      .filter(({ id }) => !felt.some((event) => event.id === id && event.felt))
      .map(({ id, what }) => {
        const said = felt.findLast((event) => event.id === id)?.evidence;
        return `${what} was not felt: ${said ?? 'nobody looked'}`;
      });
    const unshown = faultSpans(history).flatMap((span) => {
      if (span.shows !== undefined) return whyNotShown(history, span, span.shows) ?? [];
      return span.fault === FREEZE ? shortFreeze(history, span, freezeShareMin) : [];
    });
    const planned = history.plan.phases.reduce((sum, phase) => sum + namesOf(phase).length, 0);
    return conclude('fault-was-felt', {
      failures: [],
      gaps: [...missing(history, happened), ...neverInForce(history), ...unfelt, ...unshown],
      notes: felt.filter((event) => event.felt).map(({ evidence }) => evidence),
      evidence: { planned, happened: happened.length, felt: felt.filter((one) => one.felt).length },
      pass:
        planned === 0
          ? 'the plan disrupts nothing, so there is nothing to be felt'
          : `all ${happened.length} disruptions took effect`,
    });
  },
};

function disruptions(history: History): Happened[] {
  const faults = eventsOf(history, 'fault')
    .filter(({ state }) => state === 'injected')
    .map(({ id, fault, node, tMs }) => {
      return { id, what: `${fault} on ${node}`, kind: 'fault' as const, name: fault, tMs, node };
    });
  const upgrades = eventsOf(history, 'upgrade')
    .filter(({ state }) => state === 'started')
    .map(({ id, component, to, node, tMs }) => {
      const what = `${component} ${to} on ${node}`;
      return { id, what, kind: 'upgrade' as const, name: component, tMs, node };
    });
  const churns = new Map<string, Happened>();
  for (const { id, churn, tMs } of eventsOf(history, 'churn')) {
    if (!churns.has(id)) churns.set(id, { id, what: churn, kind: 'churn', name: churn, tMs });
  }
  return [...faults, ...upgrades, ...churns.values()];
}

interface Planned {
  kind: Happened['kind'];
  name: string;
  /** How many nodes it hits at least, in a cluster of so many. */
  nodesMin: (nodes: number) => number;
}

function namesOf(phase: PlannedPhase): Planned[] {
  const { churn, upgrade } = phase;
  return [
    ...faultsOf(phase).map(({ name, params }) => {
      const nodesMin = (nodes: number): number => targetsMin(params['node'], nodes);
      return { kind: 'fault' as const, name, nodesMin };
    }),
    ...(churn === undefined
      ? []
      : [{ kind: 'churn' as const, name: churn.name, nodesMin: () => 1 }]),
    // A node that has the version already is left out.
    ...(upgrade === undefined
      ? []
      : [{ kind: 'upgrade' as const, name: upgrade.component, nodesMin: () => 1 }]),
  ];
}

/** One node at most is a control plane. Where the scenario names none, the fault's own default is one node or more. */
function targetsMin(selector: unknown, nodes: number): number {
  if (selector === 'all') return nodes;
  return selector === 'rest' || selector === 'worker' ? Math.max(1, nodes - 1) : 1;
}

/** A disruption that the plan has and the history has not, or on fewer nodes. */
function missing(history: History, happened: readonly Happened[]): string[] {
  return history.plan.phases.flatMap((phase) => {
    const window = phaseWindow(history, phase.name);
    return namesOf(phase).flatMap(({ kind, name, nodesMin }) => {
      const own = happened.filter(
        (one) =>
          one.kind === kind &&
          one.name === name &&
          window !== undefined &&
          one.tMs >= window.fromMs &&
          one.tMs <= window.toMs,
      );
      if (own.length === 0) return [`${name} of phase ${phase.name} never happened`];
      const hit = new Set(own.map(({ node }) => node)).size;
      const wanted = nodesMin(history.plan.nodes);
      return hit < wanted ? [`${name} of phase ${phase.name} hit ${hit} of ${wanted} nodes`] : [];
    });
  });
}

/** Its undo was written down, and then it was not put in force: refused, or the run ended. */
function neverInForce(history: History): string[] {
  const faults = eventsOf(history, 'fault');
  const injected = new Set(faults.filter(({ state }) => state === 'injected').map(({ id }) => id));
  return faults
    .filter(({ id, state }) => state === 'armed' && !injected.has(id))
    .map(({ fault, node }) => `${fault} on ${node} was never in force`);
}

function shortFreeze(history: History, span: FaultSpan, shareMin: number): string[] {
  const heldMs = span.toMs - span.fromMs;
  // The undo's own confirmation takes time in which the node already runs: no more than was asked for is demanded.
  const wantedMs = Math.min(heldMs, askedMs(history, span) ?? heldMs);
  const sleptMs = asleep(history, span.node).reduce((sum, gap) => sum + overlapMs(gap, span), 0);
  if (wantedMs > 0 && sleptMs >= shareMin * wantedMs) return [];
  return [
    `the freeze of ${span.node} was ${formatDuration(wantedMs)} long, but its agent missed only ${formatDuration(sleptMs)}`,
  ];
}

/** How long the plan wanted the freeze, by the phase in which it was injected. */
function askedMs(history: History, span: FaultSpan): number | undefined {
  const fitting = history.plan.phases.find((phase) => {
    const window = phaseWindow(history, phase.name);
    return (
      faultsOf(phase).some(({ name }) => name === span.fault) &&
      window !== undefined &&
      span.fromMs >= window.fromMs &&
      span.fromMs <= window.toMs
    );
  });
  if (fitting === undefined) return undefined;
  const written = faultsOf(fitting).find(({ name }) => name === span.fault)?.params['for'];
  return typeof written === 'string' ? parseDuration(written) : fitting.forMs;
}
