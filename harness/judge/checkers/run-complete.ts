/** A run that stopped halfway may look fine as far as it went; it proves nothing about the rest. Always checked. */
import { z } from 'zod';
import { eventsOf } from '../../core/history.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

const params = z.strictObject({});

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
        ...phases
          .filter((name) => !ended.includes(name))
          .map((name) => `phase ${name} did not end`),
        ...(phases.length === 0 ? ['the plan has no phase'] : []),
      ],
      evidence: { phasesEnded: ended.length, phasesPlanned: phases.length },
      pass: `all ${phases.length} phases ran to their end`,
    });
  },
};
