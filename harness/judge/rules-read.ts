/** How well the rules of each node were looked at: what nobody looked at was not right, it is not known. */
import { formatDuration } from '../core/duration.ts';
import { eventsOf, type History, type Window } from '../core/history.ts';
import { awakeMs, judgedSpan, overlapMs, phaseSpans } from './windows.ts';

/** More failing reads than this share leave too much unseen. */
const FAILURE_SHARE_MAX = 0.2;
/** Reads are counted about once a second: in a shorter waking time a node may be without a count. */
const AWAKE_MIN_MS = 3_000;

interface Reads {
  reads: number;
  failures: number;
  entries: number;
}

function byNode(history: History): Map<string, Reads> {
  const nodes = new Map<string, Reads>();
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

export function readEvidence(history: History): Record<string, number | string> {
  const nodes = [...byNode(history)];
  const everyMs = Math.max(0, ...eventsOf(history, 'rules-read').map((event) => event.everyMs));
  return {
    reads: nodes.reduce((sum, [, { reads }]) => sum + reads, 0),
    readFailures: nodes.reduce((sum, [, { failures }]) => sum + failures, 0),
    readEveryMs: everyMs,
    ...Object.fromEntries(nodes.map(([node, { reads }]) => [`reads on ${node}`, reads])),
  };
}

/** One sentence for each hole; `longestMs` is for how long a rule may be wrong, and so may be out of sight. */
export function readingGaps(history: History, longestMs: number): string[] {
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
    const seenMs = goodReads(history, node);
    found.push(
      ...unreadStretches(history, node, seenMs, longestMs),
      ...unreadPhases(history, node, seenMs),
    );
  }
  return [...found, ...unmoved(history, [...nodes.keys()])];
}

/** When a count came that has a good read in it. */
function goodReads(history: History, node: string): number[] {
  return eventsOf(history, 'rules-read')
    .filter((event) => event.node === node && event.reads > event.failures)
    .map(({ tMs }) => tMs);
}

/** Reads that hang fail once in a long while: their share says nothing, only the time does. */
function unreadStretches(
  history: History,
  node: string,
  seenMs: readonly number[],
  longestMs: number,
): string[] {
  const span = judgedSpan(history);
  if (span === undefined || seenMs.length === 0) return [];
  return [...seenMs, Infinity].flatMap((tMs, index) => {
    const fromMs = Math.max(span.fromMs, seenMs[index - 1] ?? -Infinity);
    const toMs = Math.min(span.toMs, tMs);
    const unreadMs = runningMs(history, node, { fromMs, toMs });
    if (unreadMs <= Math.max(longestMs, AWAKE_MIN_MS)) return [];
    return [
      `the rules of ${node} were not read for ${formatDuration(unreadMs)}, and may be wrong for ${formatDuration(longestMs)} at most`,
    ];
  });
}

/** A machine that was suspended with its clock missed no tick of its own. */
function runningMs(history: History, node: string, window: Window): number {
  const suspendedMs = eventsOf(history, 'clock-jump')
    .filter((jump) => jump.node === node && jump.jumpMs > 0)
    .reduce(
      (sum, { tMs, jumpMs }) => sum + overlapMs({ fromMs: tMs - jumpMs, toMs: tMs }, window),
      0,
    );
  return awakeMs(history, node, window) - suspendedMs;
}

function unreadPhases(history: History, node: string, seenMs: readonly number[]): string[] {
  return phaseSpans(history)
    .filter((span) => awakeMs(history, node, span) > AWAKE_MIN_MS)
    .filter(({ fromMs, toMs }) => !seenMs.some((tMs) => tMs >= fromMs && tMs <= toMs + 1_000))
    .map(({ name }) => `the rules of ${node} were not read in phase ${name}`);
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
