/**
 * What is missing before "no drop counter moved" says anything: a probe that was not read on a node, or of which nothing was
 * understood, and a counter that a node does not have.
 */
import type { History } from '../core/history.ts';
import { isRule, type Growth } from './counter-growth.ts';
import { DROP_COUNTERS, dropCounterOf, matches } from './drop-counters.ts';
import { awakeMs, type PhaseSpan } from './windows.ts';

/** A node that was awake for less than this many sample periods in a phase may lack two readings in it. */
const PERIODS_MIN = 4;
const PERIOD_MS = 1_000;
/** The kubelet looks at its pods each ten seconds. */
const SLOW: Partial<Record<string, number>> = { cadvisor: 10_000 };

/** `counters` are the patterns of the scenario, if any; `spans` are the phases that count. One sentence for each gap. */
export function dropGaps(
  history: History,
  growths: readonly Growth[],
  counters: readonly string[] | undefined,
  spans: readonly PhaseSpan[],
): string[] {
  const nodes = [...new Set(history.samples.map(({ node }) => node))];
  return [
    ...unread(history, nodes, counters, spans),
    ...nodes.flatMap((node) => lacking(node, growths, counters)),
    ...(growths.length === 0 ? ['no drop counter was read: none can be said to stand still'] : []),
  ];
}

/** A rule or a device that is named may well never have appeared; everything else is there from the first reading on. */
function lacking(
  node: string,
  growths: readonly Growth[],
  counters: readonly string[] | undefined,
): string[] {
  const wanted =
    counters?.filter((pattern) => dropCounterOf(pattern, undefined)?.bornAtZero !== true) ??
    DROP_COUNTERS.filter(({ everywhere }) => everywhere === true).map(({ pattern }) => pattern);
  const own = growths.filter((growth) => growth.node === node);
  return wanted
    .filter((pattern) => !own.some(({ counter }) => matches(pattern, counter)))
    .map((pattern) => `no counter of ${node} fits ${pattern}`);
}

/** Nodes and probes that were not read, or in vain, where they should have been. */
function unread(
  history: History,
  nodes: readonly string[],
  counters: readonly string[] | undefined,
  spans: readonly PhaseSpan[],
): string[] {
  const probes = probesOf(counters);
  const readings = new Map<string, { tMs: number; empty: boolean }[]>();
  for (const { node, probe, tMs, values } of history.samples) {
    if (!probes.has(probe)) continue;
    const key = `${node}\n${probe}`;
    const own = readings.get(key) ?? [];
    // Of rules there may be none; whatever else is empty was not understood, or is not there.
    own.push({ tMs, empty: !isRule(probe) && Object.keys(values).length === 0 });
    readings.set(key, own);
  }
  const isDue = (node: string, probe: string, span: PhaseSpan): boolean => {
    const periodMs = Math.max(history.plan.sampleEveryMs, SLOW[probe] ?? PERIOD_MS);
    return awakeMs(history, node, span) > PERIODS_MIN * periodMs;
  };
  return spans.flatMap((span) =>
    nodes.flatMap((node) =>
      [...probes]
        .filter((probe) => isDue(node, probe, span))
        .flatMap((probe) => {
          const within = (readings.get(`${node}\n${probe}`) ?? []).filter(
            ({ tMs }) => tMs >= span.fromMs && tMs <= span.toMs,
          );
          const empty = within.filter((reading) => reading.empty).length;
          const read = within.length - empty;
          const why = empty === 0 ? '' : ` (${empty} readings were empty)`;
          return read < 2
            ? [`${probe} of ${node} was read ${read} times in ${span.name}${why}`]
            : [];
        }),
    ),
  );
}

/** Those that have something to show on every node, if they are wanted, and those that the scenario names. */
function probesOf(counters: readonly string[] | undefined): Set<string> {
  const everywhere = DROP_COUNTERS.filter(
    ({ pattern, everywhere: shown }) =>
      shown === true && dropCounterOf(pattern, counters) !== undefined,
  ).map(({ pattern }) => pattern);
  const probes = [...everywhere, ...(counters ?? [])].map((pattern) => pattern.split('/')[0] ?? '');
  return new Set(probes.filter((probe) => !probe.includes('*')));
}
