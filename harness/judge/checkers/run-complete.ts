/** A run that stopped halfway may look fine as far as it went; it proves nothing about the rest. Always checked. */
import { z } from 'zod';
import { formatDuration } from '../../core/duration.ts';
import { eventsOf, phaseWindow, type History } from '../../core/history.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

const params = z.strictObject({});

/** A timer is early by a millisecond or two; no phase is planned as closely. */
const EARLY_MS = 100;

export const runComplete: Checker<z.infer<typeof params>> = {
  name: 'run-complete',
  params,
  check: (history) => {
    const phases = history.plan.phases.map(({ name }) => name);
    const spans = eventsOf(history, 'phase');
    const ended = phases.filter((name) =>
      spans.some(({ phase, state }) => phase === name && state === 'ended'),
    );
    const last = eventsOf(history, 'run')
      .filter(({ state }) => state !== 'started')
      .at(-1);
    const how = last?.detail === undefined ? '' : `: ${last.detail}`;
    return conclude('run-complete', {
      failures: [],
      gaps: [
        ...(last === undefined ? ['the history ends in the middle: the run was killed'] : []),
        ...(last !== undefined && last.state !== 'ended'
          ? [`the run was ${last.state}${how}`]
          : []),
        // What stopped it is a finding of others, if it is one: an upgrade that failed is a failure all the same.
        ...(last?.state === 'ended' && last.detail !== undefined
          ? [`the run ended early${how}`]
          : []),
        ...phases
          .filter((name) => !ended.includes(name))
          .map((name) => `phase ${name} did not end`),
        ...tooShort(history, ended),
        ...(phases.length === 0 ? ['the plan has no phase'] : []),
      ],
      evidence: { phasesEnded: ended.length, phasesPlanned: phases.length },
      pass: `all ${phases.length} phases ran to their end`,
    });
  },
};

/** Its end is written whatever ended it. */
function tooShort(history: History, ended: readonly string[]): string[] {
  return history.plan.phases.flatMap(({ name, forMs }) => {
    const window = ended.includes(name) ? phaseWindow(history, name) : undefined;
    if (window === undefined) return [];
    const tookMs = window.toMs - window.fromMs;
    if (tookMs >= forMs - EARLY_MS) return [];
    return [`phase ${name} was over after ${formatDuration(tookMs)} of ${formatDuration(forMs)}`];
  });
}
