/**
 * A network on which nothing was sent has lost nothing. Every planned load must have run through all phases, and a check
 * that is about traffic needs some. Always checked.
 */
import { z } from 'zod';
import { formatDuration } from '../../core/duration.ts';
import { eventsOf, type EventOf, type History } from '../../core/history.ts';
import { awakeMs, judgedSpan, overlapMs, phaseSpans } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

const params = z.strictObject({});

/** Checks that say nothing without traffic, by the type of load that they judge. */
const NEEDS: Readonly<Record<string, EventOf<'load'>['type'] | 'any'>> = {
  dns: 'dns',
  'request-errors': 'http',
  'flow-survival': 'flow',
  'drop-count': 'any',
};

/** A phase in which a generator was awake for less than this may be without a line of its own. */
const INTERVAL_MAX_MS = 3_000;

export const loadArrived: Checker<z.infer<typeof params>> = {
  name: 'load-arrived',
  params,
  check: (history) => {
    const events = eventsOf(history, 'load');
    const sent = events.reduce((sum, event) => sum + event.sent, 0);
    const needing = history.plan.checks.filter(({ name }) => NEEDS[name] !== undefined);
    const starved = needing.filter(({ name }) => {
      const type = NEEDS[name];
      return !events.some((event) => event.sent > 0 && (type === 'any' || event.type === type));
    });
    const skipped = events.reduce((sum, event) => sum + (event.skipped ?? 0), 0);
    return conclude('load-arrived', {
      failures: [],
      gaps: [
        ...starved.map(({ name }) => `${name} judges traffic, and none was sent`),
        ...history.plan.load.flatMap(({ id }) => silence(history, id)),
      ],
      evidence: { loads: history.plan.load.length, sent, skipped },
      pass:
        history.plan.load.length === 0
          ? 'the plan has no load, and no check that needs one'
          : `${history.plan.load.length} loads ran through all phases: ${sent} requests`,
    });
  },
};

/** Why one load does not count as having run, by node where it is known. */
function silence(history: History, load: string): string[] {
  const span = judgedSpan(history);
  const own = eventsOf(history, 'load').filter((event) => event.load === load && event.sent > 0);
  const nodes = [...new Set(own.map(({ node }) => node))];
  if (span === undefined || nodes.length === 0) return [`load ${load} sent nothing`];
  return nodes.flatMap((node) => {
    const ended = eventsOf(history, 'load-ended').find(
      (event) => event.load === load && event.node === node && event.tMs < span.toMs,
    );
    if (ended !== undefined) {
      return [
        `load ${load} on ${node} ended ${formatDuration(span.toMs - ended.tMs)} too early: ${ended.detail}`,
      ];
    }
    const mine = own.filter((event) => event.node === node);
    return phaseSpans(history)
      .filter((phase) => awakeMs(history, node, phase) > INTERVAL_MAX_MS)
      .filter((phase) => !mine.some((event) => overlapMs(event, phase) > 0))
      .map(({ name }) => `load ${load} on ${node} sent nothing in phase ${name}`);
  });
}
