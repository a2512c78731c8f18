/**
 * The wall clock of a node must be right, or right again soon after a freeze: a machine that was suspended wakes up in the
 * past (domain.md 7.3), and certificates, leases and logs are then judged by a wrong time.
 */
import { z } from 'zod';
import { durationSchema, formatDuration } from '../../core/duration.ts';
import type { History, Sample, Window } from '../../core/history.ts';
import { judgedSpan } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

const params = z.strictObject({
  max: durationSchema.default(1_000).describe('largest difference to the controller’s clock'),
  within: durationSchema
    .default(30_000)
    .describe('longest stretch in which the difference may be larger, a freeze included or not'),
  samplesMin: z.int().min(1).default(5).describe('readings that each node must have'),
});

const OFFSET = 'offset_ms';
/** It is read about once a second. */
const LAST_WITHIN_MS = 5_000;

export const clockError: Checker<z.infer<typeof params>> = {
  name: 'clock-error',
  params,
  check: (history, { max, within, samplesMin }) => {
    const span = judgedSpan(history) ?? { fromMs: 0, toMs: 0 };
    const byNode = readings(history, span);
    const failures: string[] = [];
    const gaps: string[] = [];
    let largestMs = 0;
    let longestMs = 0;
    for (const [node, samples] of byNode) {
      if (samples.length < samplesMin)
        gaps.push(`the clock of ${node} was read ${samples.length} times (minimum ${samplesMin})`);
      const unreadMs = span.toMs - (samples.at(-1)?.tMs ?? span.fromMs);
      if (unreadMs > LAST_WITHIN_MS)
        gaps.push(`the clock of ${node} was not read in the last ${formatDuration(unreadMs)}`);
      const offsets = samples.map(({ values }) => Math.abs(values[OFFSET] ?? 0));
      largestMs = Math.max(largestMs, ...offsets);
      for (const stretch of wrong(samples, max)) {
        const lengthMs = stretch.toMs - stretch.fromMs;
        longestMs = Math.max(longestMs, lengthMs);
        if (lengthMs > within)
          failures.push(
            `the clock of ${node} was off by more than ${formatDuration(max)} for ${formatDuration(lengthMs)} (limit ${formatDuration(within)})`,
          );
      }
      const last = offsets.at(-1) ?? 0;
      if (last > max)
        failures.unshift(`the clock of ${node} was off by ${formatDuration(last)} at the end`);
    }
    const { nodes: wanted } = history.plan;
    if (byNode.size < wanted)
      gaps.push(`the clocks of only ${byNode.size} of ${wanted} nodes were read`);
    return conclude('clock-error', {
      failures,
      gaps,
      evidence: { nodes: byNode.size, largestMs, longestWrongMs: Math.round(longestMs) },
      pass: `clocks of ${byNode.size} nodes: off by ${formatDuration(largestMs)} at most, for ${formatDuration(longestMs)} at most beyond ${formatDuration(max)}`,
    });
  },
};

function readings({ samples }: History, span: Window): Map<string, Sample[]> {
  const byNode = new Map<string, Sample[]>();
  for (const sample of samples) {
    if (sample.probe !== 'clock' || sample.tMs < span.fromMs || sample.tMs > span.toMs) continue;
    const own = byNode.get(sample.node);
    if (own === undefined) byNode.set(sample.node, [sample]);
    else own.push(sample);
  }
  return byNode;
}

/** From the first wrong reading to the first right one after it, or to the last reading. */
function wrong(samples: readonly Sample[], maxMs: number): Window[] {
  const stretches: Window[] = [];
  let sinceMs: number | undefined;
  for (const { tMs, values } of samples) {
    const isWrong = Math.abs(values[OFFSET] ?? 0) > maxMs;
    if (isWrong) sinceMs ??= tMs;
    else if (sinceMs !== undefined) {
      stretches.push({ fromMs: sinceMs, toMs: tMs });
      sinceMs = undefined;
    }
  }
  const lastMs = samples.at(-1)?.tMs;
  if (sinceMs !== undefined && lastMs !== undefined)
    stretches.push({ fromMs: sinceMs, toMs: lastMs });
  return stretches;
}
