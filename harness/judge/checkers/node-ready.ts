/** Nodes must stay Ready through the phases, and be Ready at the end. */
import { z } from 'zod';
import { durationSchema, formatDuration } from '../../core/duration.ts';
import { eventsOf, type History, type Window } from '../../core/history.ts';
import { judgedSpan, phaseSpans, unknownPhases } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

const params = z.strictObject({
  notReadyMax: durationSchema
    .default(0)
    .describe('longest stretch that a node may be NotReady; default 0s'),
  except: z
    .array(z.string())
    .default([])
    .describe('phases in which a node may be NotReady; it must be Ready again by the end'),
});

export const nodeReady: Checker<z.infer<typeof params>> = {
  name: 'node-ready',
  params,
  check: (history, { notReadyMax, except }) => {
    const span = judgedSpan(history) ?? { fromMs: 0, toMs: 0 };
    const nodes = [...new Set(eventsOf(history, 'node-ready').map(({ node }) => node))].sort();
    const excused = phaseSpans(history).filter(({ name }) => except.includes(name));
    const failures: string[] = [];
    let longestMs = 0;
    for (const node of nodes) {
      const stretches = notReady(history, node, span);
      for (const stretch of stretches) {
        const lengthMs = stretch.toMs - stretch.fromMs;
        const inside = excused.some(
          ({ fromMs, toMs }) => stretch.fromMs >= fromMs && stretch.fromMs < toMs,
        );
        longestMs = Math.max(longestMs, lengthMs);
        if (!inside && lengthMs > notReadyMax) {
          failures.push(
            `${node} was NotReady for ${formatDuration(lengthMs)}, from ${formatDuration(stretch.fromMs)} on (limit ${formatDuration(notReadyMax)})`,
          );
        }
      }
      if (stretches.at(-1)?.toMs === span.toMs) failures.unshift(`${node} was NotReady at the end`);
    }
    const { nodes: wanted } = history.plan;
    return conclude('node-ready', {
      failures,
      gaps: [
        ...(span.toMs === 0 ? ['no phase began'] : []),
        ...(nodes.length < wanted ? [`only ${nodes.length} of ${wanted} nodes were watched`] : []),
        ...unknownPhases(history, except).map((name) => `the plan has no phase ${name} to except`),
      ],
      evidence: { nodes: nodes.length, longestNotReadyMs: Math.round(longestMs) },
      pass:
        longestMs === 0
          ? `all ${nodes.length} nodes were Ready all the time`
          : `all ${nodes.length} nodes were Ready at the end; NotReady for ${formatDuration(longestMs)} at most`,
    });
  },
};

/** The stretches of a window in which a node was not Ready, cut to the window. */
function notReady(history: History, node: string, span: Window): Window[] {
  const stretches: Window[] = [];
  let sinceMs: number | undefined;
  const end = (toMs: number): void => {
    if (sinceMs !== undefined && toMs > span.fromMs && sinceMs < span.toMs) {
      stretches.push({
        fromMs: Math.max(sinceMs, span.fromMs),
        toMs: Math.min(toMs, span.toMs),
      });
    }
    sinceMs = undefined;
  };
  for (const event of eventsOf(history, 'node-ready').filter((one) => one.node === node)) {
    if (event.ready) end(event.tMs);
    else sinceMs ??= event.tMs;
  }
  end(span.toMs);
  return stretches;
}
