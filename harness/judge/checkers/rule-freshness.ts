/**
 * How long kube-proxy's rules were wrong: stale (a rule without its endpoint), missing (an endpoint without its rule), each
 * with its age since the API server said so, and lingering (drained, and not taken away). No fault excuses an age: a paused
 * node's rules are stale for its users too. Only time in which the whole machine stood still is left out: nobody could follow
 * there, and nothing was routed.
 */
import { z } from 'zod';
import { durationSchema, formatDuration } from '../../core/duration.ts';
import { eventsOf, type EventOf, type History, type Window } from '../../core/history.ts';
import { heardLate } from '../heard-late.ts';
import { readEvidence, readingGaps } from '../rules-read.ts';
import { distributionOf, type Distribution } from '../statistics/distribution.ts';
import { judgedSpan, machineStill, overlapMs } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude } from './conclude.ts';

const params = z.strictObject({
  staleMax: durationSchema.default(10_000).describe('longest that a rule may outlive its endpoint'),
  missingMax: durationSchema.default(10_000).describe('longest that an endpoint may lack its rule'),
  lingeringMax: durationSchema
    .default(75_000)
    .describe('longest that a drained backend may stay (ipvs; kube-proxy looks once a minute)'),
  p99Max: durationSchema
    .optional()
    .describe('99th percentile of the time from an API change to the rule'),
});

/** How long something took at least and at most, where coalmine itself saw or heard it late. */
interface Range {
  leastMs: number;
  mostMs: number;
  /** For how long coalmine stalled meanwhile. */
  stalledMs: number;
}

interface Episode extends EventOf<'rule-episode'>, Range {
  ageMs: number;
}

interface Settled extends EventOf<'rule-settled'>, Range {
  limitMs: number;
  /** It took longer than it may, and nobody saw for how long of that it was wrong: the node slept, or was not read. */
  isUnwatched: boolean;
}

type Limits = Readonly<Record<Episode['error'], number>>;

export const ruleFreshness: Checker<z.infer<typeof params>> = {
  name: 'rule-freshness',
  params,
  check: (history, { staleMax, missingMax, lingeringMax, p99Max }) => {
    const limits = { stale: staleMax, missing: missingMax, lingering: lingeringMax };
    const episodes = longestFirst(history);
    const wrong = episodes.filter(({ error }) => error !== 'lingering');
    const open = wrong.filter((episode) => episode.untilMs === null && !isUnread(episode));
    const settled = settledChanges(history, limits, wrong);
    // What never settled took at least its age so far: leaving it out would drop the slowest.
    const took = distributionOf([
      ...settled.map(({ tookMs }) => tookMs),
      ...open.map(({ ageMs }) => ageMs),
    ]);
    const late = episodes.filter(({ error, leastMs }) => leastMs > limits[error]);
    const slow = p99Max === undefined ? undefined : overP99(p99Max, took, [...settled, ...open]);
    const evidence = readEvidence(history);
    return conclude('rule-freshness', {
      failures: [
        ...late.map(
          (episode) => `${inWords(episode)} (limit ${formatDuration(limits[episode.error])})`,
        ),
        ...(slow?.failures ?? []),
      ],
      gaps: [
        ...readingGaps(history, Math.min(staleMax, missingMax)),
        ...doubtful(limits, episodes),
        ...doubtfulChanges(settled),
        ...unsettled(history, limits, wrong),
        ...(slow?.gaps ?? []),
      ],
      notes: episodes.filter((one) => !isUnread(one)).map(inWords),
      evidence: {
        ...evidence,
        ...stillEvidence(history),
        changesJudged: settled.length + open.length,
        ...spread('took', took),
        episodes: wrong.length,
        stillOpen: wrong.filter(({ untilMs }) => untilMs === null).length,
        ...spread('staleAge', ages(episodes, 'stale')),
        ...spread('missingAge', ages(episodes, 'missing')),
        ...spread('lingeringAge', ages(episodes, 'lingering')),
      },
      pass: passText(evidence['reads'] ?? 0, wrong, settled.length, took),
    });
  },
};

function passText(
  reads: number | string,
  wrong: readonly Episode[],
  settled: number,
  took: Distribution | undefined,
): string {
  const [oldest] = wrong;
  if (took !== undefined) {
    const { p50, p99, max } = took;
    const spread = `p50 ${formatDuration(p50)}, p99 ${formatDuration(p99)}, max ${formatDuration(max)}`;
    // As after a boot, which wipes out what no change of the API is about.
    const longer =
      oldest !== undefined && oldest.ageMs > max ? `; wrong for longest: ${inWords(oldest)}` : '';
    return `${settled} changes reached the rules: ${spread}${longer}`;
  }
  // What somebody changed in the kernel by hand is no change that the rules had to follow.
  if (oldest !== undefined)
    return `${wrong.length} entries were wrong in ${reads} reads, none beyond its limit; the oldest: ${inWords(oldest)}`;
  return `rules were right in all ${reads} reads; nothing changed`;
}

/** The same episode may have been told twice, open and then ended: the later word counts. */
function longestFirst(history: History): Episode[] {
  const lateMs = heardLate(history);
  const ranMs = runningTime(history);
  const last = new Map<string, Episode>();
  for (const event of eventsOf(history, 'rule-episode')) {
    const { node, error, service, port, endpoint, sinceMs, untilMs, tMs } = event;
    const key = JSON.stringify([node, error, service, port, endpoint, sinceMs]);
    const ageMs = ranMs(node, { fromMs: sinceMs, toMs: untilMs ?? tMs });
    // Idle backends are dated by readings alone.
    const [before, after] = error === 'lingering' ? [0, 0] : [sinceMs, untilMs ?? tMs].map(lateMs);
    last.set(key, { ...event, ageMs, ...range(ageMs, before, after) });
  }
  return [...last.values()].sort((a, b) => b.ageMs - a.ageMs);
}

/** It changed after the last reading: whether the rule followed is not known. */
function isUnread({ untilMs, sinceMs, tMs }: Episode): boolean {
  return untilMs === null && tMs <= sinceMs;
}

/** Returns for how much of a window the machine under a node ran. */
function runningTime(history: History): (node: string, window: Window) => number {
  const byNode = new Map<string, readonly Window[]>();
  return (node, window) => {
    const still = byNode.get(node) ?? machineStill(history, node);
    byNode.set(node, still);
    return still.reduce((ms, one) => ms - overlapMs(one, window), window.toMs - window.fromMs);
  };
}

function stillEvidence(history: History): Record<string, number> {
  const nodes = new Set(eventsOf(history, 'fault').map(({ node }) => node));
  const still = [...nodes].flatMap((node) => machineStill(history, node));
  if (still.length === 0) return {};
  return {
    machinesStoodMs: Math.round(still.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)),
  };
}

/** It began earlier by as much as its first word was late, and ended earlier by as much as its last one was. */
function range(ms: number, beganMs = 0, endedMs = 0): Range {
  const stalledMs = Math.max(beganMs, endedMs);
  return { leastMs: Math.max(0, ms - endedMs), mostMs: ms + beganMs, stalledMs };
}

/** Its end is dated by a reading. One that was an episode, too, is judged as that. */
function settledChanges(history: History, limits: Limits, wrong: readonly Episode[]): Settled[] {
  const lateMs = heardLate(history);
  const ranMs = runningTime(history);
  return eventsOf(history, 'rule-settled').map((settled) => {
    const { node, change, service, endpoint, tMs } = settled;
    const changedMs = tMs - settled.tookMs;
    const tookMs = ranMs(node, { fromMs: changedMs, toMs: tMs });
    const limitMs = limits[change === 'added' ? 'missing' : 'stale'];
    const isUnwatched =
      tookMs > limitMs &&
      !wrong.some(
        (one) =>
          one.node === node &&
          one.service === service &&
          one.endpoint === endpoint &&
          one.untilMs === tMs &&
          // To the millisecond: both are differences of times.
          one.ageMs > tookMs - 1,
      );
    const known = range(tookMs, lateMs(changedMs));
    return {
      ...settled,
      tookMs,
      ...known,
      limitMs,
      isUnwatched,
      ...(isUnwatched ? { leastMs: 0 } : {}),
    };
  });
}

function doubtful(limits: Limits, episodes: readonly Episode[]): string[] {
  return episodes.flatMap((episode) => {
    const limitMs = limits[episode.error];
    const { leastMs, mostMs, stalledMs } = episode;
    if (stalledMs === 0 || leastMs > limitMs || mostMs <= limitMs) return [];
    return [inWords(episode) + butStalled(limitMs, stalledMs)];
  });
}

function doubtfulChanges(settled: readonly Settled[]): string[] {
  return settled.flatMap((one) => {
    const { node, change, service, endpoint, tookMs, mostMs, stalledMs, limitMs } = one;
    const words = `${service} -> ${endpoint} was ${change}, and seen so on ${node} only after ${formatDuration(tookMs)}`;
    if (one.isUnwatched)
      return [`${words} (limit ${formatDuration(limitMs)}), with no reading between`];
    if (tookMs > limitMs || mostMs <= limitMs) return [];
    return [words + butStalled(limitMs, stalledMs)];
  });
}

function butStalled(limitMs: number, stalledMs: number): string {
  return ` (limit ${formatDuration(limitMs)}), but coalmine itself stalled for ${formatDuration(stalledMs)} before it heard of it`;
}

function overP99(
  limitMs: number,
  took: Distribution | undefined,
  ranges: readonly Range[],
): { failures: string[]; gaps: string[] } {
  const least = distributionOf(ranges.map(({ leastMs }) => leastMs))?.p99 ?? 0;
  const most = distributionOf(ranges.map(({ mostMs }) => mostMs))?.p99 ?? 0;
  const text = `p99 from API change to rule was ${formatDuration(took?.p99 ?? 0)} (limit ${formatDuration(limitMs)})`;
  if (least > limitMs) return { failures: [text], gaps: [] };
  return { failures: [], gaps: most > limitMs ? [`${text}, as far as it was seen and heard`] : [] };
}

/** Below its limit at the end, it was never seen to become right. What changed after the last phase is not of the run. */
function unsettled(history: History, limits: Limits, wrong: readonly Episode[]): string[] {
  const endMs = judgedSpan(history)?.toMs ?? Infinity;
  return wrong
    .filter(({ error, untilMs, mostMs }) => untilMs === null && mostMs <= limits[error])
    .filter(({ sinceMs }) => sinceMs <= endMs)
    .map((episode) => {
      if (!isUnread(episode)) return inWords(episode);
      const { service, port, endpoint, node } = episode;
      return `${service}:${port} -> ${endpoint} changed on ${node} after its rules were read for the last time`;
    });
}

function inWords({ error, service, port, endpoint, node, ageMs, untilMs }: Episode): string {
  const still = untilMs === null ? ', and still at the end' : '';
  return `${service}:${port} -> ${endpoint} was ${error} on ${node} for ${formatDuration(ageMs)}${still}`;
}

function ages(episodes: readonly Episode[], error: Episode['error']): Distribution | undefined {
  return distributionOf(episodes.filter((one) => one.error === error).map(({ ageMs }) => ageMs));
}

function spread(name: string, found: Distribution | undefined): Record<string, number> {
  if (found === undefined) return {};
  return {
    [`${name}P50Ms`]: Math.round(found.p50),
    [`${name}P99Ms`]: Math.round(found.p99),
    [`${name}MaxMs`]: Math.round(found.max),
  };
}
