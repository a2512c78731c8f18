/**
 * Packets that the kernel says it dropped, per counter and node, over what the same counter did in the baseline. Counters
 * are never added up: one lost packet may be seen by several of them.
 */
import { z } from 'zod';
import type { History } from '../../core/history.ts';
import { dropGrowth, type Growth } from '../counter-growth.ts';
import { matches } from '../drop-counters.ts';
import { dropGaps } from '../drop-readings.ts';
import { phaseSpans, unknownPhases, type PhaseSpan } from '../windows.ts';
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

interface Judged extends Growth {
  drops: number;
  /** What the baseline's rate lets expect, with its noise. */
  expected: number;
  /** What came at once beyond what ever came at once in the baseline, whose rate is no excuse for it. */
  burst: number;
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
      .sort((a, b) => excess(b) - excess(a));
    const over = judged.filter((one) => excess(one) > 0);
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
        ...dropGaps(
          history,
          growths,
          limits.counters,
          spans.filter(({ name }) => !limits.except.includes(name)),
        ),
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
  const perMs = base === undefined ? 0 : inBaseline / Math.max(1, lengthOf([base]));
  const most = Math.max(0, ...stepsIn(growth, [baseline]).map((step) => step.drops));
  const burst = stepsIn(
    growth,
    judgedSpans.map(({ name }) => name),
  ).reduce(
    (sum, step) => sum + Math.max(0, step.drops - noisy(Math.max(most, perMs * step.ms))),
    0,
  );
  const expected = noisy(perMs * lengthOf(judgedSpans));
  return { ...growth, drops, expected, burst, limit: limitOf(growth.counter, max) };
}

/** Rare events scatter by the square root of their number; a counter that stood still has no such excuse. */
function noisy(mean: number): number {
  return Math.floor(mean + 3 * Math.sqrt(mean));
}

function stepsIn({ steps }: Growth, phases: readonly string[]): Growth['steps'] {
  return steps.filter(({ phase }) => phases.includes(phase));
}

function excess({ drops, expected, burst, limit }: Judged): number {
  return Math.max(drops - expected, burst) - limit;
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
  { node, counter, kind, drops, expected, burst, limit, byPhase }: Judged,
  history: History,
) {
  const hostWide =
    kind.hostWideOnKind === true && history.plan.provider === 'kind'
      ? ' (host-wide: the counter of the machine under all nodes)'
      : '';
  const phases = [...byPhase].map(([name, grown]) => `${name} ${grown}`).join(', ');
  const baseline =
    burst > drops - expected
      ? `, ${rounded(burst)} of them in bursts beyond any in the baseline`
      : expected > 0
        ? ` over ${expected} as in the baseline`
        : '';
  return `${node}: ${counter} counted ${rounded(drops)} drops${baseline}, limit ${limit}${hostWide} [${phases}]`;
}
