/**
 * Packets that the kernel says it dropped, per counter and node, over what the same counter did in the baseline. Counters
 * are never added up: one lost packet may be seen by several of them.
 */
import { z } from 'zod';
import type { History } from '../../core/history.ts';
import { dropGrowth, type Growth } from '../counter-growth.ts';
import { DROP_COUNTERS, dropCounterOf, matches } from '../drop-counters.ts';
import { awakeMs, phaseSpans, unknownPhases, type PhaseSpan } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude, rounded } from './conclude.ts';

const BASELINE = 'baseline';

const count = z.number().min(0);
const params = z.strictObject({
  max: z
    .union([count, z.record(z.string(), count)])
    .default(0)
    .describe('drops allowed per counter and node; a mapping goes from counter pattern to limit'),
  counters: z
    .array(z.string().min(1))
    .optional()
    .describe('counters such as softnet/cpu*.dropped; default: all that count real drops'),
  baseline: z.string().default(BASELINE).describe('the phase whose rate is taken off'),
  except: z.array(z.string()).default([]).describe('further phases that are not judged'),
});
type Params = z.infer<typeof params>;

/** A node that was awake for less than this many sample periods in a phase may lack two readings in it. */
const PERIODS_MIN = 4;

interface Judged extends Growth {
  drops: number;
  /** What the baseline's rate lets expect, with its noise. */
  expected: number;
  limit: number;
}

export const dropCount: Checker<Params> = {
  name: 'drop-count',
  params,
  check: (history, limits) => {
    const spans = phaseSpans(history);
    const judgedSpans = spans.filter(
      ({ name }) => name !== limits.baseline && !limits.except.includes(name),
    );
    const growths = dropGrowth(history, limits.counters);
    const judged = growths
      .map((growth) => judge(growth, spans, judgedSpans, limits))
      .sort((a, b) => b.drops - b.expected - b.limit - (a.drops - a.expected - a.limit));
    const over = judged.filter(({ drops, expected, limit }) => drops > expected + limit);
    const grown = judged.filter(({ drops }) => drops > 0);
    const nodes = new Set(history.samples.map(({ node }) => node));
    const say = (one: Judged): string => inWords(one, history);
    return conclude('drop-count', {
      failures: over.map(say),
      gaps: [
        ...(nodes.size < history.plan.nodes
          ? [`drop counters were read on ${nodes.size} of ${history.plan.nodes} nodes`]
          : []),
        ...(judgedSpans.length === 0 ? ['no phase but the baseline was run'] : []),
        ...unknownPhases(history, namedPhases(limits)).map(
          (name) => `the plan has no phase ${name}`,
        ),
        ...unknownCounters(growths, limits.counters ?? []),
        ...unread(history, limits, spans),
      ],
      notes: grown.map(say),
      evidence: {
        counters: judged.length,
        nodes: nodes.size,
        samples: history.samples.length,
        countersGrown: grown.length,
        dropsMax: Math.max(0, ...judged.map(({ drops }) => drops)),
        ...Object.fromEntries(
          grown.slice(0, 20).map(({ node, counter, drops }) => [`${node} ${counter}`, drops]),
        ),
      },
      pass:
        grown.length === 0
          ? `none of ${judged.length} drop counters on ${nodes.size} nodes moved`
          : `${grown.length} of ${judged.length} drop counters moved, none above its limit`,
    });
  },
};

/** A plan need not have a phase of the default's name: nothing is taken off then. */
function namedPhases({ baseline, except }: Params): string[] {
  return baseline === BASELINE ? except : [baseline, ...except];
}

function judge(
  growth: Growth,
  spans: readonly PhaseSpan[],
  judgedSpans: readonly PhaseSpan[],
  { max, baseline }: Params,
): Judged {
  const drops = judgedSpans.reduce((sum, { name }) => sum + (growth.byPhase.get(name) ?? 0), 0);
  const base = spans.find(({ name }) => name === baseline);
  const inBaseline = growth.byPhase.get(baseline) ?? 0;
  const share = base === undefined ? 0 : lengthOf(judgedSpans) / Math.max(1, lengthOf([base]));
  const mean = inBaseline * share;
  // Rare events scatter by the square root of their number; a counter that stood still has no such excuse.
  const expected = Math.floor(mean + 3 * Math.sqrt(mean));
  return { ...growth, drops, expected, limit: limitOf(growth.counter, max) };
}

function lengthOf(spans: readonly PhaseSpan[]): number {
  return spans.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

/** The longest pattern that fits is the most specific one. */
function limitOf(counter: string, max: Params['max']): number {
  if (typeof max === 'number') return max;
  const fitting = Object.entries(max).filter(([pattern]) => matches(pattern, counter));
  return fitting.sort(([a], [b]) => b.length - a.length)[0]?.[1] ?? 0;
}

function inWords(
  { node, counter, kind, drops, expected, limit, byPhase }: Judged,
  history: History,
) {
  const hostWide =
    kind.hostWideOnKind === true && history.plan.provider === 'kind'
      ? ' (host-wide: the counter of the machine under all nodes)'
      : '';
  const phases = [...byPhase].map(([name, grown]) => `${name} ${grown}`).join(', ');
  const baseline = expected > 0 ? ` over ${expected} as in the baseline` : '';
  return `${node}: ${counter} counted ${rounded(drops)} drops${baseline}, limit ${limit}${hostWide} [${phases}]`;
}

/** A pattern that fits nothing checks nothing; but a rule or a device may well never have appeared. */
function unknownCounters(growths: readonly Growth[], wanted: readonly string[]): string[] {
  return wanted
    .filter((pattern) => !growths.some(({ counter }) => matches(pattern, counter)))
    .filter((pattern) => dropCounterOf(pattern, undefined)?.bornAtZero !== true)
    .map((pattern) => `no counter fits ${pattern}`);
}

/** Nodes and probes that were not read where they should have been. */
function unread(
  history: History,
  { counters, except }: Params,
  spans: readonly PhaseSpan[],
): string[] {
  const probes = new Set(
    DROP_COUNTERS.filter(
      ({ pattern, everywhere }) =>
        everywhere === true && dropCounterOf(pattern, counters) !== undefined,
    ).map(({ pattern }) => pattern.split('/')[0] ?? ''),
  );
  const times = new Map<string, number[]>();
  for (const { node, probe, tMs } of history.samples) {
    const key = `${node}\n${probe}`;
    const own = times.get(key);
    if (own === undefined) times.set(key, [tMs]);
    else own.push(tMs);
  }
  const nodes = [...new Set(history.samples.map(({ node }) => node))];
  const periodMs = PERIODS_MIN * Math.max(history.plan.sampleEveryMs, 1_000);
  return spans
    .filter(({ name }) => !except.includes(name))
    .flatMap((span) =>
      nodes
        .filter((node) => awakeMs(history, node, span) > periodMs)
        .flatMap((node) =>
          [...probes]
            .map((probe) => ({ probe, read: readings(times.get(`${node}\n${probe}`) ?? [], span) }))
            .filter(({ read }) => read < 2)
            .map(({ probe, read }) => `${probe} of ${node} was read ${read} times in ${span.name}`),
        ),
    );
}

function readings(timesMs: readonly number[], { fromMs, toMs }: PhaseSpan): number {
  return timesMs.filter((tMs) => tMs >= fromMs && tMs <= toMs).length;
}
