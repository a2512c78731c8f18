/**
 * The harness must not take its own weakness for the network's: where the controller, an agent or a load generator stood
 * still without a freeze that explains it, that window is void. The checkers leave void windows out; where they take too
 * large a part of the run, a verdict would rest on too little, and is inconclusive. Always checked.
 */
import { formatDuration } from '../../core/duration.ts';
import { eventsOf, type History } from '../../core/history.ts';
import { allStalls, isVoid, noiseParams, type NoiseLimits, type Stall } from '../stalls.ts';
import { away, judgedSpan, overlapMs, phaseSpans } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

export const selfNoise: Checker<NoiseLimits> = {
  name: 'self-noise',
  params: noiseParams,
  check: (history, limits) => {
    const span = judgedSpan(history);
    const stalls =
      span === undefined
        ? []
        : allStalls(history, limits).filter((stall) => overlapMs(stall, span) > 0);
    const losses = eventsOf(history, 'agent-lost').filter(
      ({ tMs }) => span !== undefined && tMs >= span.fromMs && tMs <= span.toMs,
    );
    const lost = losses.filter(
      ({ node, tMs }) => !away(history, node).some(({ fromMs }) => fromMs === tMs),
    );
    const voided = stalls.filter(isVoid).sort((a, b) => b.ownMs - a.ownMs);
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

function inPhase(history: History, tMs: number): string {
  const phase = phaseSpans(history).find(({ fromMs, toMs }) => tMs >= fromMs && tMs <= toMs);
  return phase === undefined ? '' : ` (phase ${phase.name})`;
}
