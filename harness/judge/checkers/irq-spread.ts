/**
 * Under load, what the NICs receive must be served by several CPUs (seed 000: irqbalance left all interrupts on one, and
 * that CPU dropped packets). Judged only while a fault floods the node: an interrupt without load need not be moved, and
 * a balancer that is broken looks the same then as one that works.
 *
 * Three counters say who serves: packets (softnet), NET_RX softirqs, and the NICs' interrupts. The last one is judged only
 * where it can say something: a CPU that has enough to do polls its NICs, with their interrupts switched off.
 *
 * A balancer that does not run looks as one that is wrong: where one is named, its own log must show that it looked.
 */
import { z } from 'zod';
import { formatDuration, positiveDurationSchema } from '../../core/duration.ts';
import type { History, Sample, Window } from '../../core/history.ts';
import {
  balancerEvidence,
  readBalancerLog,
  refusedIn,
  tooQuiet,
  type BalancerLog,
} from '../balancer-log.ts';
import { busiestShare, perCpu, servedIn, usedCpus, type Served } from '../irq-growth.ts';
import { matches } from '../drop-counters.ts';
import { faultSpans, type FaultSpan } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude, rounded } from './conclude.ts';

const params = z.strictObject({
  during: z.string().default('flood').describe('the fault under which interrupts are judged'),
  since: z
    .string()
    .optional()
    .describe('a fault during the first one: time counts from when it was over'),
  interval: positiveDurationSchema
    .default(10_000)
    .describe('how often the balancer looks; default 10s'),
  within: z.int().min(1).default(6).describe('intervals until the interrupts must be spread'),
  busiestShareMax: z
    .number()
    .min(0)
    .max(1)
    .default(0.7)
    .describe('share of packets, NET_RX softirqs and NIC interrupts on one CPU'),
  cpusMin: z.int().min(1).default(2).describe('CPUs that serve a tenth of the packets or more'),
  perSecondMin: z
    .number()
    .min(1)
    .default(1_000)
    .describe('packets a second on the node, below which nothing needs to be moved'),
  irqs: z
    .array(z.string().min(1))
    .min(1)
    .default(['virtio*-input.*', 'mlx*_comp*', '*-rx-*', '*-TxRx-*'])
    .describe('names of the interrupts that receive, as in /proc/interrupts'),
  balancer: z
    .string()
    .min(1)
    .optional()
    .describe('unit of an irqbalance with -d, whose log must show that it looked under load'),
});
type Params = z.infer<typeof params>;

/** A CPU that serves less than this of all packets does not take part. */
const USED_SHARE_MIN = 0.1;
/** With fewer interrupts than this for each NET_RX softirq, a CPU polls its NICs. */
const INTERRUPTS_PER_SOFTIRQ_MIN = 0.8;

interface Spread {
  window: Window;
  packets: Served;
  netRx: Served;
  irqs: Served;
  /** CPUs that serve the packets. */
  cpus: number[];
  /** Which CPU serves each NIC interrupt at the end of the window: `virtio5-input.0 on 1`. */
  placed: string[];
}

type Counted = 'packets' | 'netRx' | 'irqs';

interface Judged {
  span: FaultSpan;
  spread: Spread | undefined;
  /** Intervals from which on every whole one was spread; undefined where the last one was not. */
  intervals: number | undefined;
  gap: string | undefined;
  /** What it said of itself, where one is named. */
  balancer: BalancerLog | undefined;
}

export const irqSpread: Checker<Params> = {
  name: 'irq-spread',
  params,
  check: (history, limits) => {
    const spans = faultSpans(history).filter(({ fault }) => fault === limits.during);
    const judged = spans.map((span) => judge(history, span, limits));
    const failures = judged.flatMap((one) => failuresOf(one, limits));
    const worst = (of: Counted): number =>
      Math.max(0, ...judged.flatMap(({ spread }) => (spread ? [busiestShare(spread[of])] : [])));
    const total = (of: Counted): number =>
      judged.reduce((sum, { spread }) => sum + (spread?.[of].total ?? 0), 0);
    return conclude('irq-spread', {
      failures,
      gaps: [
        ...(spans.length === 0 ? [`no ${limits.during} happened: nothing had to be moved`] : []),
        ...judged.flatMap(({ gap }) => gap ?? []),
      ],
      notes: judged.flatMap((one) =>
        one.spread === undefined
          ? []
          : [inWords(one, limits), ...refusedIn(one.span.node, one.balancer)],
      ),
      evidence: {
        windows: judged.filter(({ gap }) => gap === undefined).length,
        packets: total('packets'),
        netRx: total('netRx'),
        interrupts: total('irqs'),
        busiestShare: rounded(worst('packets')),
        busiestNetRxShare: rounded(worst('netRx')),
        busiestInterruptShare: rounded(worst('irqs')),
        cpus:
          judged.length === 0
            ? 0
            : Math.min(...judged.map(({ spread }) => spread?.cpus.length ?? 0)),
        intervalsUntilSpread: latest(judged),
        ...balancerEvidence(judged.flatMap(({ balancer }) => balancer ?? [])),
      },
      pass: judged.map((one) => inWords(one, limits)).join('; '),
    });
  },
};

function latest(judged: readonly Judged[]): number | string {
  const intervals = judged.flatMap((one) => one.intervals ?? []);
  return intervals.length < judged.length || judged.length === 0 ? 'never' : Math.max(...intervals);
}

function judge(history: History, span: FaultSpan, limits: Params): Judged {
  const none = { spread: undefined, intervals: undefined, balancer: undefined };
  const nothing = (gap: string): Judged => ({ span, ...none, gap });
  const fromMs = beginning(history, span, limits.since);
  if (fromMs === undefined)
    return nothing(`${limits.since ?? ''} never ended on ${span.node} while ${span.fault} lasted`);
  const settledMs = fromMs + limits.within * limits.interval;
  if (span.toMs - settledMs < limits.interval) {
    const asked = formatDuration((limits.within + 1) * limits.interval);
    const lasted = formatDuration(Math.round(span.toMs - fromMs));
    return nothing(
      `${span.fault} on ${span.node} lasted ${lasted}; ${limits.within} intervals to spread and one to look take ${asked}`,
    );
  }
  const series = readingsOf(history, span.node);
  const spread = spreadIn(series, { fromMs: settledMs, toMs: span.toMs }, limits);
  const intervals = intervalsUntil(series, { fromMs, toMs: span.toMs }, limits);
  const { node } = span;
  const { balancer: unit } = limits;
  const balancer =
    unit === undefined
      ? undefined
      : readBalancerLog(history, { node, unit }, { fromMs, toMs: span.toMs });
  const quiet = balancer === undefined ? undefined : tooQuiet(balancer, limits.within);
  const gap = tooLittle(spread, node, limits) ?? quiet;
  return { span, spread, intervals, gap, balancer };
}

/** When the balancer could first have begun: with the load, or with what happened under it. */
function beginning(history: History, span: FaultSpan, since: string | undefined) {
  if (since === undefined) return span.fromMs;
  return faultSpans(history).findLast(
    ({ fault, node, fromMs, toMs }) =>
      fault === since && node === span.node && fromMs >= span.fromMs && toMs <= span.toMs,
  )?.toMs;
}

const PROBES = ['softnet', 'softirqs', 'interrupts', 'irqs'] as const;
type Readings = Readonly<Record<(typeof PROBES)[number], readonly Sample[]>>;

function readingsOf(history: History, node: string): Readings {
  const own = history.samples.filter((sample) => sample.node === node);
  const of = (probe: string) => own.filter((sample) => sample.probe === probe);
  return Object.fromEntries(PROBES.map((probe) => [probe, of(probe)])) as unknown as Readings;
}

function spreadIn(readings: Readings, window: Window, { irqs: patterns }: Params): Spread {
  const packets = servedIn(readings.softnet, window, ['processed']);
  return {
    window,
    packets,
    netRx: servedIn(readings.softirqs, window, ['NET_RX']),
    irqs: servedIn(readings.interrupts, window, patterns),
    cpus: usedCpus(packets, USED_SHARE_MIN),
    placed: placedAt(readings.irqs, window, patterns),
  };
}

function placedAt(
  readings: readonly Sample[],
  { fromMs, toMs }: Window,
  patterns: readonly string[],
): string[] {
  const last = readings.findLast(
    ({ tMs, values }) => tMs >= fromMs && tMs <= toMs && Object.keys(values).length > 0,
  );
  return Object.entries(last?.values ?? {}).flatMap(([key, cpu]) => {
    const name = /^\d+:(.*)\.effective$/.exec(key)?.[1];
    if (name === undefined || !patterns.some((pattern) => matches(pattern, name))) return [];
    return [`${name} on ${cpu}`];
  });
}

function tooLittle(spread: Spread, node: string, { perSecondMin }: Params): string | undefined {
  const seconds = (spread.window.toMs - spread.window.fromMs) / 1_000;
  const perSecond = spread.packets.total / seconds;
  if (perSecond < perSecondMin)
    return `${node}: only ${rounded(perSecond)} packets a second, where ${perSecondMin} are load enough to be moved`;
  if (spread.netRx.total === 0) return `${node}: NET_RX softirqs were not read`;
  return spread.placed.length === 0
    ? `${node}: which CPU serves which NIC interrupt was not read`
    : undefined;
}

/** What can be said about who serves; the busiest CPU's share must hold for each. */
function judgedCounters({ packets, netRx, irqs, cpus }: Spread): [string, Served][] {
  // One CPU may poll its NICs while another one is interrupted by its own: then interrupts compare nothing.
  const polled = cpus.some(
    (cpu) => (irqs.byCpu.get(cpu) ?? 0) < INTERRUPTS_PER_SOFTIRQ_MIN * (netRx.byCpu.get(cpu) ?? 0),
  );
  return [
    ['packets', packets],
    ['NET_RX', netRx],
    ...(polled ? [] : ([['NIC interrupts', irqs]] satisfies [string, Served][])),
  ];
}

function isSpread(spread: Spread, { busiestShareMax, cpusMin }: Params): boolean {
  const even = judgedCounters(spread).every(
    ([, served]) => busiestShare(served) <= busiestShareMax,
  );
  return even && spread.cpus.length >= cpusMin;
}

function intervalsUntil(readings: Readings, { fromMs, toMs }: Window, limits: Params) {
  let until: number | undefined;
  const whole = Math.floor((toMs - fromMs) / limits.interval);
  for (let index = 0; index < whole; index += 1) {
    const window = {
      fromMs: fromMs + index * limits.interval,
      toMs: fromMs + (index + 1) * limits.interval,
    };
    const spread = spreadIn(readings, window, limits);
    // A busy node may not have been read in so short a time: nothing is known then.
    if (spread.packets.total === 0 || spread.netRx.total === 0) continue;
    if (!isSpread(spread, limits)) until = undefined;
    else until ??= index;
  }
  return until;
}

function failuresOf({ span, spread, gap }: Judged, limits: Params): string[] {
  if (spread === undefined || gap !== undefined) return [];
  const { within, interval, busiestShareMax, cpusMin } = limits;
  const still = `${span.node}: ${within} intervals of ${formatDuration(interval)} under load, and still`;
  const { cpus } = spread;
  return [
    ...judgedCounters(spread)
      .filter(([, served]) => busiestShare(served) > busiestShareMax)
      .map(
        ([what, served]) =>
          `${still} one CPU serves ${percent(busiestShare(served))} of ${what} (limit ${percent(busiestShareMax)}; ${perCpu(served)})`,
      ),
    ...(cpus.length < cpusMin
      ? [`${still} only ${cpus.length} CPUs (${cpus.join(', ')}) serve, wanted ${cpusMin}`]
      : []),
  ];
}

/** The verdict is over all of the time after `within`; single intervals are shorter, and so more uneven. */
function inWords({ span, spread, intervals }: Judged, { interval, within }: Params): string {
  if (spread === undefined) return `${span.node}: not judged`;
  const length = formatDuration(interval);
  const single =
    intervals === undefined
      ? 'the last one was not spread'
      : `each from number ${intervals + 1} on was spread`;
  const shares = (['packets', 'netRx', 'irqs'] as const).map(
    (of) => `${percent(busiestShare(spread[of]))} of ${WORDS[of]} (${perCpu(spread[of])})`,
  );
  return `${span.node}: after ${within} intervals of ${length}, the busiest CPU serves ${shares.join(', ')}; ${spread.placed.join(', ')}; of single intervals, ${single}`;
}

const WORDS: Readonly<Record<Counted, string>> = {
  packets: 'packets',
  netRx: 'NET_RX',
  irqs: 'NIC interrupts',
};

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}
