/**
 * No timer handler may hold a CPU for long again and again (seed 001: IPVS walked over all its virtual servers each two
 * seconds in one softirq; packets of that CPU waited meanwhile). Judged is what the kernel itself counted, from the entry
 * to the end of each handler, and not a latency as felt from outside.
 *
 * Why how often, and not the longest: a machine that is emulated, or shares its CPUs, is itself taken off its CPU now and
 * then, and whatever handler runs at that moment looks long. That hits once in a while and anybody; what is slow by itself
 * is slow each time. Measured without KVM on two busy cores, in two runs: kernel 6.1 with 20 000 virtual servers took 8 to
 * 66 ms in each of 27 periods; other handlers took 4 to 8 ms up to twenty times a minute, and longer than 8 ms three times
 * at most. The median of a handler would not do: each network namespace has an estimation of its own, and most have nothing
 * to do. Nor would how long softirqs waited, which a busy machine's baseline can show as often.
 */
import { z } from 'zod';
import { durationSchema, formatDuration } from '../../core/duration.ts';
import { eventsOf, type History, type Window } from '../../core/history.ts';
import { countedIn, longerThan, longestBuckets, runsOf, type Counted } from '../softirq-lengths.ts';
import { faultSpans, phaseSpans, unknownPhases, type FaultSpan } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude, rounded } from './conclude.ts';

const params = z.strictObject({
  during: z.string().describe('the fault under which handlers are judged'),
  baseline: z
    .string()
    .default('baseline')
    .describe('the phase without it, in which the same handlers must not be slow already'),
  max: durationSchema
    .default(8)
    .describe(
      'how long a handler may hold a CPU; the kernel counts in powers of two microseconds (4.096ms, 8.192ms, 16.384ms …), so what counts is the next step from here on',
    ),
  perMinuteMax: z
    .number()
    .min(0)
    .default(10)
    .describe(
      'how often one handler may do so for longer: what the host does to a machine is rarer',
    ),
  judgedMin: durationSchema.default(20_000).describe('time that must have been counted at least'),
  runsMin: z.int().min(1).default(50).describe('runs of handlers that must have been counted'),
});
type Params = z.infer<typeof params>;

const TIMER = 'timer:';
const WAIT = 'wait:';
/** So many of the slowest handlers are named, even where all is well. */
const NAMED = 3;

interface Handler {
  name: string;
  runs: number;
  perMinute: number;
  baselinePerMinute: number;
  /** Of the runs that were too long; of the longest one where none was. */
  buckets: ReturnType<typeof longestBuckets>;
}

interface Judged {
  node: string;
  gaps: string[];
  waits: { perMinute: number; baselinePerMinute: number } | undefined;
  /** The slowest first. */
  handlers: Handler[];
}

export const softirqStall: Checker<Params> = {
  name: 'softirq-stall',
  params,
  trace: 'softirq-times',
  check: (history, limits) => {
    const spans = faultSpans(history).filter(({ fault }) => fault === limits.during);
    const judged = spans.map((span) => judge(history, span, limits));
    const over = judged.flatMap(({ node, handlers }) =>
      handlers
        .filter(({ perMinute }) => perMinute > limits.perMinuteMax)
        .map((handler) => ({ node, handler, always: isAlready(handler, limits) })),
    );
    const [worst] = judged.flatMap(({ handlers }) => handlers[0] ?? []).sort(bySlowness);
    return conclude('softirq-stall', {
      failures: over
        .filter(({ always }) => !always)
        .map(({ node, handler }) => `${node}: ${inWords(handler, limits)}`),
      gaps: [
        ...(spans.length === 0 ? [`no ${limits.during} happened: nothing was to be judged`] : []),
        ...unknownPhases(history, [limits.baseline]).map((name) => `there is no phase ${name}`),
        ...judged.flatMap(({ node, gaps }) => gaps.map((gap) => `${node}: ${gap}`)),
        ...over
          .filter(({ always }) => always)
          .map(
            ({ node, handler }) =>
              `${node}: ${inWords(handler, limits)}; without ${limits.during} it is slow too, so whose doing that is cannot be told`,
          ),
      ],
      notes: judged.flatMap(({ node, handlers, waits }) => [
        ...handlers.slice(0, NAMED).map((handler) => `${node}: ${inWords(handler, limits)}`),
        ...(waits === undefined
          ? []
          : [
              `${node}: softirqs waited for longer than ${formatDuration(limits.max)} ${tenths(waits.perMinute)} times a minute (${tenths(waits.baselinePerMinute)} in the baseline)`,
            ]),
      ]),
      evidence: {
        windows: judged.filter(({ gaps }) => gaps.length === 0).length,
        handlers: Math.max(0, ...judged.map(({ handlers }) => handlers.length)),
        runs: judged.reduce(
          (sum, { handlers }) => sum + handlers.reduce((own, { runs }) => own + runs, 0),
          0,
        ),
        ...(worst === undefined
          ? {}
          : {
              slowest: shortName(worst),
              slowestPerMinute: rounded(worst.perMinute),
              slowestBaselinePerMinute: rounded(worst.baselinePerMinute),
            }),
        waitsPerMinute: rounded(Math.max(0, ...judged.map(({ waits }) => waits?.perMinute ?? 0))),
        longestMs: worst === undefined ? 0 : longestOf(judged),
      },
      pass: `no handler of a timer held a CPU for longer than ${formatDuration(limits.max)} more than ${limits.perMinuteMax} times a minute${worst === undefined ? '' : `; ${inWords(worst, limits)}`}`,
    });
  },
};

function judge(history: History, span: FaultSpan, limits: Params): Judged {
  const { node } = span;
  const nothing = (gap: string): Judged => ({
    node,
    gaps: [gap],
    waits: undefined,
    handlers: [],
  });
  const counted = countedIn(history, node, inForce(history, span));
  if (counted === undefined)
    return nothing(`lengths of softirqs were not read under ${span.fault}`);
  const window = phaseSpans(history).find(({ name }) => name === limits.baseline);
  const baseline = window && countedIn(history, node, window);
  if (baseline === undefined) return nothing(`they were not read in phase ${limits.baseline}`);
  const handlers = handlersOf(counted, baseline, limits);
  const runs = handlers.reduce((sum, one) => sum + one.runs, 0);
  const gaps = [
    ...(counted.lengthMs < limits.judgedMin
      ? [
          `only ${formatDuration(Math.round(counted.lengthMs))} under ${span.fault} were counted, wanted ${formatDuration(limits.judgedMin)}`,
        ]
      : []),
    ...(runs < limits.runsMin ? [`only ${runs} runs were counted, wanted ${limits.runsMin}`] : []),
    ...(counted.dropped + baseline.dropped > 0
      ? [`${counted.dropped + baseline.dropped} runs found no room in the kernel's tables`]
      : []),
  ];
  return { node, gaps, waits: waitsOf(counted, baseline, limits), handlers };
}

/** Until its undo began: the last question whether it is felt comes right before. */
function inForce(history: History, { id, fromMs, toMs }: FaultSpan): Window {
  const asked = eventsOf(history, 'felt').findLast(
    (event) => event.id === id && event.tMs > fromMs,
  );
  return { fromMs, toMs: Math.min(toMs, asked?.tMs ?? toMs) };
}

function handlersOf(counted: Counted, baseline: Counted, { max }: Params): Handler[] {
  const perMinute = (of: Counted, name: string): number =>
    (60_000 * longerThan(of.byName.get(name) ?? new Map(), max)) / of.lengthMs;
  return [...counted.byName]
    .filter(([name]) => name.startsWith(TIMER))
    .map(([name, lengths]) => ({
      name,
      runs: runsOf(lengths),
      perMinute: perMinute(counted, name),
      baselinePerMinute: perMinute(baseline, name),
      buckets: longestBuckets(lengths, max),
    }))
    .sort(bySlowness);
}

function bySlowness(a: Handler, b: Handler): number {
  return b.perMinute - a.perMinute || longestMs(b) - longestMs(a);
}

function isAlready({ baselinePerMinute }: Handler, { perMinuteMax }: Params): boolean {
  return baselinePerMinute > perMinuteMax;
}

function shortName({ name }: Handler): string {
  return name.slice(TIMER.length);
}

function inWords(handler: Handler, { max, perMinuteMax }: Params): string {
  const { runs, perMinute, baselinePerMinute, buckets } = handler;
  const lengths = buckets.map(
    ({ overMs, upToMs, runs: own }) => `${own} took ${tenths(overMs)} to ${tenths(upToMs)} ms`,
  );
  return `${shortName(handler)} held a CPU for longer than ${formatDuration(max)} ${tenths(perMinute)} times a minute (limit ${perMinuteMax}; ${tenths(baselinePerMinute)} in the baseline): of ${runs} runs ${lengths.join(', ')}`;
}

function tenths(value: number): number {
  return Number(value.toFixed(1));
}

function longestMs({ buckets }: Handler): number {
  return buckets.at(-1)?.upToMs ?? 0;
}

function longestOf(judged: readonly Judged[]): number {
  return Math.max(...judged.flatMap(({ handlers }) => handlers.map(longestMs)));
}

/** What others felt of it: softirqs that were raised meanwhile, and had to wait for longer than any handler may take. */
function waitsOf(counted: Counted, baseline: Counted, { max }: Params): Judged['waits'] {
  const perMinute = ({ byName, lengthMs }: Counted): number => {
    const lengths = [...byName].filter(([name]) => name.startsWith(WAIT));
    const late = lengths.reduce((sum, [, own]) => sum + longerThan(own, max), 0);
    return (60_000 * late) / lengthMs;
  };
  return { perMinute: perMinute(counted), baselinePerMinute: perMinute(baseline) };
}
