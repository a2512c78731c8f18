/**
 * A network on which nothing was sent has lost nothing. Every planned load must have run through all phases, and a check
 * that is about traffic needs some. Always checked.
 */
import { z } from 'zod';
import { formatDuration } from '../../core/duration.ts';
import { eventsOf, type EventOf, type History, type Window } from '../../core/history.ts';
import { awakeMs, judgedSpan, overlapMs, phaseSpans, uncovered } from '../windows.ts';
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

/** Lines join, whatever their length: a generator that was awake for longer than this between two of them was not there. */
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

/**
 * Why one load does not count as having run, by node where it is known. Each that was ready must speak until the end: of
 * one that died, only what it did not say is left.
 */
function silence(history: History, load: string): string[] {
  const span = judgedSpan(history);
  const own = eventsOf(history, 'load').filter((event) => event.load === load);
  const ready = eventsOf(history, 'load-ready').filter((event) => event.load === load);
  const nodes = [...new Set([...ready, ...own].map(({ node }) => node))];
  if (span === undefined || !own.some(({ sent }) => sent > 0)) return [`load ${load} sent nothing`];
  return nodes.flatMap((node) => {
    const mine = own.filter((event) => event.node === node);
    return silenceOn(history, { load, node }, mine, span);
  });
}

function silenceOn(
  history: History,
  { load, node }: { load: string; node: string },
  mine: readonly EventOf<'load'>[],
  span: Window,
): string[] {
  const who = `load ${load} on ${node}`;
  const ended = eventsOf(history, 'load-ended').find(
    (event) => event.load === load && event.node === node && event.tMs < span.toMs,
  );
  if (ended !== undefined)
    return [`${who} ended ${formatDuration(span.toMs - ended.tMs)} too early: ${ended.detail}`];
  const sending = mine.filter(({ sent }) => sent > 0);
  if (sending.length === 0) return [`${who} sent nothing`];
  const silent = uncovered(span, mine)
    .filter((stretch) => awakeMs(history, node, stretch) > INTERVAL_MAX_MS)
    .map(
      ({ fromMs, toMs }) =>
        `${who} said nothing for ${formatDuration(toMs - fromMs)}, from ${formatDuration(fromMs)} to ${formatDuration(toMs)}`,
    );
  if (silent.length > 0) return silent;
  return phaseSpans(history)
    .filter((phase) => awakeMs(history, node, phase) > INTERVAL_MAX_MS)
    .filter((phase) => !sending.some((event) => overlapMs(event, phase) > 0))
    .map(({ name }) => `${who} sent nothing in phase ${name}`);
}
