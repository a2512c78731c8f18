/** A connection that is open and in use must survive an upgrade, and the freeze of another node. */
import { z } from 'zod';
import { byPlace, loadIntervals, loadParams, type LoadEvent } from '../load-intervals.ts';
import { unknownPhases } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

const params = z.strictObject({
  ...loadParams,
  diedMax: z.int().min(0).default(0).describe('held connections that may die'),
  flowsMin: z.int().min(1).default(1).describe('fewer held connections than this are no evidence'),
});

export const flowSurvival: Checker<z.infer<typeof params>> = {
  name: 'flow-survival',
  params,
  check: (history, limits) => {
    const { judged, voided, excepted } = loadIntervals(history, 'flow', limits);
    // A node that slept gives no times to judge, but a connection that broke meanwhile is broken.
    const events = [...judged, ...voided];
    const places = [...byPlace(events)];
    const died = places.map(([place, own]) => ({ place, ...deaths(own) }));
    const deadInAll = died.reduce((sum, { dead }) => sum + dead, 0);
    const held = places.reduce((sum, [, own]) => sum + heldAtMost(own), 0);
    // Who watched the run saw those break, too.
    const unjudged = excepted.length > 0 ? `; not judged: ${limits.except.join(', ')}` : '';
    return conclude('flow-survival', {
      failures:
        deadInAll > limits.diedMax
          ? died
              .filter(({ dead }) => dead > 0)
              .map(
                ({ place, dead, why }) =>
                  `${dead} held connections died, ${place}: ${why} (limit ${limits.diedMax} in all)`,
              )
          : [],
      gaps: [
        ...(held < limits.flowsMin
          ? [`only ${held} connections were held; ${limits.flowsMin} are needed`]
          : []),
        ...unknownPhases(history, limits.except).map((name) => `the plan has no phase ${name}`),
      ],
      evidence: {
        held,
        died: deadInAll,
        messages: events.reduce((sum, { ok }) => sum + ok, 0),
        intervalsExcepted: excepted.length,
      },
      pass: `${held} connections were held, ${deadInAll} died (limit ${limits.diedMax})${unjudged}`,
    });
  },
};

/** A flow that breaks is counted once, as an error or a timeout of the interval in which it broke. */
function deaths(events: readonly LoadEvent[]): { dead: number; why: string } {
  const reasons = new Map<string, number>();
  for (const { timeouts, errors } of events) {
    for (const [why, count] of [...Object.entries(errors), ['no echo in time', timeouts] as const])
      if (count > 0) reasons.set(why, (reasons.get(why) ?? 0) + count);
  }
  return {
    dead: [...reasons.values()].reduce((sum, count) => sum + count, 0),
    why: [...reasons].map(([why, count]) => `${count} ${why}`).join(', '),
  };
}

/** Without the generator's own count, the echoes of one interval are what is known to have been held. */
function heldAtMost(events: readonly LoadEvent[]): number {
  return events.reduce((most, { flows, ok }) => Math.max(most, flows?.alive ?? Math.min(ok, 1)), 0);
}
