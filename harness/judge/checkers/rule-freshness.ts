/**
 * How long kube-proxy's rules were wrong: stale (a rule without its endpoint), missing (an endpoint without its rule), each
 * with its age since the API server said so, and lingering (drained, and not taken away). No fault excuses an age: a frozen node's rules are stale for its users too.
 */
import { z } from 'zod';
import { durationSchema, formatDuration } from '../../core/duration.ts';
import { eventsOf, type EventOf, type History } from '../../core/history.ts';
import { distributionOf, type Distribution } from '../statistics/distribution.ts';
import { awakeMs, phaseSpans } from '../windows.ts';
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

/** More failing reads than this share leave too much unseen. */
const FAILURE_SHARE_MAX = 0.2;
/** Reads are counted about once a second: in a shorter waking time a node may be without a count. */
const AWAKE_MIN_MS = 3_000;

interface Episode extends EventOf<'rule-episode'> {
  ageMs: number;
}

export const ruleFreshness: Checker<z.infer<typeof params>> = {
  name: 'rule-freshness',
  params,
  check: (history, { staleMax, missingMax, lingeringMax, p99Max }) => {
    const episodes = longestFirst(history);
    const wrong = episodes.filter(({ error }) => error !== 'lingering');
    const open = wrong.filter(({ untilMs }) => untilMs === null);
    const settled = eventsOf(history, 'rule-settled').map(({ tookMs }) => tookMs);
    // What never settled took at least its age so far: leaving it out would drop the slowest.
    const took = distributionOf([...settled, ...open.map(({ ageMs }) => ageMs)]);
    const limits = { stale: staleMax, missing: missingMax, lingering: lingeringMax };
    const late = episodes.filter(({ error, ageMs }) => ageMs > limits[error]);
    const evidence = readEvidence(history);
    return conclude('rule-freshness', {
      failures: [
        ...late.map(
          (episode) => `${inWords(episode)} (limit ${formatDuration(limits[episode.error])})`,
        ),
        ...(p99Max !== undefined && took !== undefined && took.p99 > p99Max
          ? [
              `p99 from API change to rule was ${formatDuration(took.p99)} (limit ${formatDuration(p99Max)})`,
            ]
          : []),
      ],
      gaps: gaps(history),
      notes: episodes.map(inWords),
      evidence: {
        ...evidence,
        changesJudged: settled.length + open.length,
        ...spread('took', took),
        episodes: wrong.length,
        stillOpen: open.length,
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
  const last = new Map<string, Episode>();
  for (const event of eventsOf(history, 'rule-episode')) {
    const { node, error, service, port, endpoint, sinceMs, untilMs, tMs } = event;
    const key = JSON.stringify([node, error, service, port, endpoint, sinceMs]);
    last.set(key, { ...event, ageMs: (untilMs ?? tMs) - sinceMs });
  }
  return [...last.values()].sort((a, b) => b.ageMs - a.ageMs);
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

function byNode(
  history: History,
): Map<string, { reads: number; failures: number; entries: number }> {
  const nodes = new Map<string, { reads: number; failures: number; entries: number }>();
  for (const { node, reads, failures, entries } of eventsOf(history, 'rules-read')) {
    const sum = nodes.get(node) ?? { reads: 0, failures: 0, entries: 0 };
    nodes.set(node, {
      reads: sum.reads + reads,
      failures: sum.failures + failures,
      entries: Math.max(sum.entries, entries),
    });
  }
  return nodes;
}

function readEvidence(history: History): Record<string, number | string> {
  const nodes = [...byNode(history)];
  const everyMs = Math.max(0, ...eventsOf(history, 'rules-read').map((event) => event.everyMs));
  return {
    reads: nodes.reduce((sum, [, { reads }]) => sum + reads, 0),
    readFailures: nodes.reduce((sum, [, { failures }]) => sum + failures, 0),
    readEveryMs: everyMs,
    ...Object.fromEntries(nodes.map(([node, { reads }]) => [`reads on ${node}`, reads])),
  };
}

function gaps(history: History): string[] {
  const nodes = byNode(history);
  const found: string[] = [];
  if (nodes.size < history.plan.nodes) {
    found.push(`rules were read on ${nodes.size} of ${history.plan.nodes} nodes`);
  }
  for (const [node, { reads, failures, entries }] of nodes) {
    if (reads === 0 || failures / reads > FAILURE_SHARE_MAX) {
      found.push(`${failures} of ${reads} reads of the rules on ${node} failed`);
    }
    if (entries === 0) found.push(`no read on ${node} saw a single entry`);
    found.push(...unreadPhases(history, node));
  }
  return [...found, ...unmoved(history, [...nodes.keys()])];
}

/** What changed and was changed back while nobody looked says nothing of who should have followed it. */
function unmoved(history: History, nodes: readonly string[]): string[] {
  const churned = eventsOf(history, 'churn').length;
  if (churned === 0) return [];
  const wrong = eventsOf(history, 'rule-episode').filter(({ error }) => error !== 'lingering');
  const moved = new Set([...eventsOf(history, 'rule-settled'), ...wrong].map(({ node }) => node));
  return nodes
    .filter((node) => !moved.has(node))
    .map((node) => `endpoints changed ${churned} times, and no change was seen on ${node}`);
}

function unreadPhases(history: History, node: string): string[] {
  const own = eventsOf(history, 'rules-read').filter((event) => event.node === node);
  return phaseSpans(history)
    .filter((span) => awakeMs(history, node, span) > AWAKE_MIN_MS)
    .filter(
      ({ fromMs, toMs }) =>
        !own.some(
          ({ tMs, reads, failures }) => tMs >= fromMs && tMs <= toMs + 1_000 && reads > failures,
        ),
    )
    .map(({ name }) => `the rules of ${node} were not read in phase ${name}`);
}
