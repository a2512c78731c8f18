/**
 * The harness must not take its own weakness for the network's: where the controller, an agent or a load generator stood
 * still without a freeze that explains it, that window is void. The checkers leave void windows out; where they take too
 * large a part of the run, a verdict would rest on too little, and is inconclusive. Always checked.
 */
import { z } from 'zod';
import { durationSchema, formatDuration } from '../../core/duration.ts';
import { eventsOf, type History, type Window } from '../../core/history.ts';
import { asleep, away, faultSpans, judgedSpan, overlapMs, phaseSpans } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

const params = z.strictObject({
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

/** A frozen node wakes up to a backlog: its processes are late for a moment more. */
const WAKE_MS = 2_000;

interface Stall extends Window {
  who: string;
  /** The part that no freeze explains. */
  ownMs: number;
  maxMs: number;
}

export const selfNoise: Checker<z.infer<typeof params>> = {
  name: 'self-noise',
  params,
  check: (history, limits) => {
    const span = judgedSpan(history);
    const stalls = span === undefined ? [] : allStalls(history, limits, span);
    const losses = eventsOf(history, 'agent-lost').filter(
      ({ tMs }) => span !== undefined && tMs >= span.fromMs && tMs <= span.toMs,
    );
    const lost = losses.filter(
      ({ node, tMs }) => !away(history, node).some(({ fromMs }) => fromMs === tMs),
    );
    const voided = stalls
      .filter(({ ownMs, maxMs }) => ownMs > maxMs)
      .sort((a, b) => b.ownMs - a.ownMs);
    const lengthMs = span === undefined ? 0 : span.toMs - span.fromMs;
    const byWho = voidMsByWho(voided);
    return conclude('self-noise', {
      failures: [],
      gaps: [
        ...(span === undefined ? ['no phase began'] : []),
        ...lost.map(({ node, detail }) => `the agent of ${node} was lost: ${detail}`),
        ...[...byWho]
          .filter(([, voidMs]) => voidMs > limits.voidShareMax * lengthMs)
          .map(
            ([who, voidMs]) =>
              `${who} stood still for ${formatDuration(voidMs)} of ${formatDuration(lengthMs)}, more than a share of ${limits.voidShareMax}: too little of the run is left to judge`,
          ),
      ],
      notes: [
        ...voided.map((stall) => describeVoid(history, stall)),
        ...losses
          .filter((loss) => !lost.includes(loss))
          .map(({ node, detail }) => `the agent of ${node} was away: ${detail}`),
      ],
      evidence: {
        stalls: stalls.length,
        longestMs: Math.round(stalls.reduce((most, { ownMs }) => Math.max(most, ownMs), 0)),
        voidMs: Math.round(Math.max(0, ...byWho.values())),
        agentsLost: lost.length,
        agentsAway: losses.length - lost.length,
      },
      pass: `controller, agents and load generators kept time; ${voided.length} of ${stalls.length} stalls voided their window`,
    });
  },
};

function voidMsByWho(voided: readonly Stall[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { who, ownMs } of voided) sums.set(who, (sums.get(who) ?? 0) + ownMs);
  return sums;
}

function describeVoid(history: History, { who, ownMs, maxMs, fromMs, toMs }: Stall): string {
  return `${who} stood still for ${formatDuration(ownMs)} (limit ${formatDuration(maxMs)}): the window from ${formatDuration(fromMs)} to ${formatDuration(toMs)} is void${inPhase(history, fromMs)}`;
}

function allStalls(
  history: History,
  limits: { agentGapMax: number; controllerGapMax: number; generatorStallMax: number },
  span: Window,
): Stall[] {
  const agents = eventsOf(history, 'agent-gap').map(({ node, fromMs, gapMs }) => {
    const gap = { fromMs, toMs: fromMs + gapMs };
    return {
      ...gap,
      who: `the agent of ${node}`,
      ownMs: gapMs - frozenMs(history, node, gap),
      maxMs: limits.agentGapMax,
    };
  });
  const controller = eventsOf(history, 'controller-gap').map(({ fromMs, gapMs }) => ({
    fromMs,
    toMs: fromMs + gapMs,
    who: 'the controller',
    ownMs: gapMs,
    maxMs: limits.controllerGapMax,
  }));
  const generators = eventsOf(history, 'load')
    .filter(({ stallMs }) => stallMs !== undefined)
    .map(({ load, node, fromMs, toMs, stallMs = 0 }) => ({
      fromMs,
      toMs,
      who: `load ${load} on ${node}`,
      ownMs: sleptNear(history, node, { fromMs, toMs }) ? 0 : stallMs,
      maxMs: limits.generatorStallMax,
    }));
  return [...agents, ...controller, ...generators].filter((stall) => overlapMs(stall, span) > 0);
}

/** How much of a gap lies in freezes of that node; the freeze begins while its injection is still being confirmed. */
function frozenMs(history: History, node: string, gap: Window): number {
  return faultSpans(history)
    .filter((span) => span.fault === 'freeze' && span.node === node)
    .reduce((sum, span) => {
      const window = { fromMs: span.armedMs, toMs: span.toMs + WAKE_MS };
      return sum + overlapMs(window, gap);
    }, 0);
}

function sleptNear(history: History, node: string, interval: Window): boolean {
  return asleep(history, node).some(
    ({ fromMs, toMs }) => overlapMs({ fromMs, toMs: toMs + WAKE_MS }, interval) > 0,
  );
}

function inPhase(history: History, tMs: number): string {
  const phase = phaseSpans(history).find(({ fromMs, toMs }) => tMs >= fromMs && tMs <= toMs);
  return phase === undefined ? '' : ` (phase ${phase.name})`;
}
