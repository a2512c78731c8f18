/**
 * Under load, the interrupts of the NICs must be served by several CPUs (seed 000: irqbalance left them all on one, and
 * that CPU dropped packets). Judged only while a fault floods the node: an interrupt without load need not be moved, and
 * a balancer that is broken looks the same then as one that works.
 */
import { z } from 'zod';
import { durationSchema, formatDuration } from '../../core/duration.ts';
import type { History, Sample, Window } from '../../core/history.ts';
import { busiestShare, loadedNames, servedIn, type Served } from '../irq-growth.ts';
import { faultSpans, type FaultSpan } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude, rounded } from './conclude.ts';

const params = z.strictObject({
  during: z.string().default('flood').describe('the fault under which interrupts are judged'),
  since: z
    .string()
    .optional()
    .describe('a fault during the first one: time counts from when it was over'),
  interval: durationSchema.default(10_000).describe('how often the balancer looks; default 10s'),
  within: z.int().min(1).default(6).describe('intervals until the interrupts must be spread'),
  busiestShareMax: z
    .number()
    .min(0)
    .max(1)
    .default(0.7)
    .describe('of NIC interrupts, and of NET_RX softirqs, on one CPU'),
  cpusMin: z.int().min(1).default(2).describe('CPUs that serve the loaded NIC interrupts'),
  perSecondMin: z
    .number()
    .min(1)
    .default(50)
    .describe('interrupts a second on the node, below which nothing needs to be moved'),
  irqs: z
    .array(z.string().min(1))
    .min(1)
    .default(['virtio*-input.*', 'mlx*_comp*', '*-rx-*', '*-TxRx-*'])
    .describe('names of the interrupts that receive, as in /proc/interrupts'),
});
type Params = z.infer<typeof params>;

/** An interrupt that carries less of the whole than this is not one of a flooded NIC. */
const LOADED_SHARE_MIN = 0.05;
/** The lines of irqbalance's own log (with -d) that tell whether it tried. */
const SELECTED = /Selecting irq \d+ for rebalancing/g;

interface Spread {
  window: Window;
  irqs: Served;
  netRx: Served;
  /** CPUs of the loaded interrupts at the end of the window. */
  cpus: number[];
}

interface Judged {
  span: FaultSpan;
  spread: Spread | undefined;
  /** Intervals from which on every whole one was spread; undefined where the last one was not. */
  intervals: number | undefined;
  gap: string | undefined;
}

export const irqSpread: Checker<Params> = {
  name: 'irq-spread',
  params,
  check: (history, limits) => {
    const spans = faultSpans(history).filter(({ fault }) => fault === limits.during);
    const judged = spans.map((span) => judge(history, span, limits));
    const failures = judged.flatMap((one) => failuresOf(one, limits));
    const shares = (of: 'irqs' | 'netRx'): number =>
      Math.max(0, ...judged.flatMap(({ spread }) => (spread ? [busiestShare(spread[of])] : [])));
    return conclude('irq-spread', {
      failures,
      gaps: [
        ...(spans.length === 0 ? [`no ${limits.during} happened: nothing had to be moved`] : []),
        ...judged.flatMap(({ gap }) => gap ?? []),
      ],
      notes: judged.flatMap((one) => (one.spread === undefined ? [] : [inWords(one, limits)])),
      evidence: {
        windows: judged.filter(({ gap }) => gap === undefined).length,
        interrupts: judged.reduce((sum, { spread }) => sum + (spread?.irqs.total ?? 0), 0),
        netRx: judged.reduce((sum, { spread }) => sum + (spread?.netRx.total ?? 0), 0),
        busiestShare: rounded(shares('irqs')),
        busiestNetRxShare: rounded(shares('netRx')),
        cpus:
          judged.length === 0
            ? 0
            : Math.min(...judged.map(({ spread }) => spread?.cpus.length ?? 0)),
        intervalsUntilSpread: latest(judged),
        ...selected(history),
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
  const nothing = (gap: string): Judged => ({ span, spread: undefined, intervals: undefined, gap });
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
  return { span, spread, intervals, gap: tooLittle(spread, span.node, limits) };
}

/** When the balancer could first have begun: with the load, or with what happened under it. */
function beginning(history: History, span: FaultSpan, since: string | undefined) {
  if (since === undefined) return span.fromMs;
  return faultSpans(history).findLast(
    ({ fault, node, fromMs, toMs }) =>
      fault === since && node === span.node && fromMs >= span.fromMs && toMs <= span.toMs,
  )?.toMs;
}

type Readings = Readonly<Record<'interrupts' | 'softirqs' | 'irqs', readonly Sample[]>>;

function readingsOf(history: History, node: string): Readings {
  const of = (probe: string): Sample[] =>
    history.samples.filter((sample) => sample.node === node && sample.probe === probe);
  return { interrupts: of('interrupts'), softirqs: of('softirqs'), irqs: of('irqs') };
}

function spreadIn(readings: Readings, window: Window, { irqs: patterns }: Params): Spread {
  const irqs = servedIn(readings.interrupts, window, patterns);
  const netRx = servedIn(readings.softirqs, window, ['NET_RX']);
  const last = readings.irqs.findLast(
    ({ tMs, values }) =>
      tMs >= window.fromMs && tMs <= window.toMs && Object.keys(values).length > 0,
  );
  const cpus = loadedNames(irqs, LOADED_SHARE_MIN).flatMap(
    (name) => last?.values[`${name}.effective`] ?? [],
  );
  return { window, irqs, netRx, cpus: [...new Set(cpus)].sort((a, b) => a - b) };
}

function tooLittle(spread: Spread, node: string, { perSecondMin }: Params): string | undefined {
  const seconds = (spread.window.toMs - spread.window.fromMs) / 1_000;
  for (const [what, { total }] of [
    ['NIC interrupts', spread.irqs],
    ['NET_RX softirqs', spread.netRx],
  ] as const) {
    if (total >= perSecondMin * seconds) continue;
    return `${node}: only ${rounded(total / seconds)} ${what} a second, where ${perSecondMin} are load enough to be moved`;
  }
  return spread.cpus.length === 0
    ? `${node}: which CPUs serve the loaded interrupts was not read`
    : undefined;
}

function isSpread({ irqs, netRx, cpus }: Spread, limits: Params): boolean {
  const share = Math.max(busiestShare(irqs), busiestShare(netRx));
  return share <= limits.busiestShareMax && cpus.length >= limits.cpusMin;
}

function intervalsUntil(readings: Readings, { fromMs, toMs }: Window, limits: Params) {
  let until: number | undefined;
  const whole = Math.floor((toMs - fromMs) / limits.interval);
  for (let index = 0; index < whole; index += 1) {
    const window = {
      fromMs: fromMs + index * limits.interval,
      toMs: fromMs + (index + 1) * limits.interval,
    };
    if (!isSpread(spreadIn(readings, window, limits), limits)) until = undefined;
    else until ??= index;
  }
  return until;
}

function failuresOf({ span, spread, gap }: Judged, limits: Params): string[] {
  if (spread === undefined || gap !== undefined) return [];
  const { within, interval, busiestShareMax, cpusMin } = limits;
  const still = `${span.node}: ${within} intervals of ${formatDuration(interval)} under load, and still`;
  const shares = [
    ['NIC interrupts', spread.irqs],
    ['NET_RX', spread.netRx],
  ] as const;
  return [
    ...shares
      .filter(([, served]) => busiestShare(served) > busiestShareMax)
      .map(
        ([what, served]) =>
          `${still} one CPU serves ${percent(busiestShare(served))} of ${what} (limit ${percent(busiestShareMax)}; ${perCpu(served)})`,
      ),
    ...(spread.cpus.length < cpusMin
      ? [
          `${still} the loaded NIC interrupts are on ${spread.cpus.length} CPUs (${spread.cpus.join(', ')}), wanted ${cpusMin}`,
        ]
      : []),
  ];
}

function inWords({ span, spread, intervals }: Judged, { interval }: Params): string {
  if (spread === undefined) return `${span.node}: not judged`;
  const when =
    intervals === undefined
      ? 'not spread at the end'
      : `spread from interval ${intervals + 1} of ${formatDuration(interval)} on`;
  return `${span.node}: ${when}; busiest CPU ${percent(busiestShare(spread.irqs))} of NIC interrupts (${perCpu(spread.irqs)}), ${percent(busiestShare(spread.netRx))} of NET_RX (${perCpu(spread.netRx)}); loaded interrupts on CPUs ${spread.cpus.join(', ')}`;
}

function perCpu({ byCpu }: Served): string {
  return [...byCpu]
    .sort(([a], [b]) => a - b)
    .map(([cpu, served]) => `cpu${cpu} ${served}`)
    .join(', ');
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

/** How often irqbalance says that it chose an interrupt to be moved; absent where it does not talk. */
function selected(history: History): Record<string, number> {
  const logs = [...history.logs].filter(([file]) => file.endsWith('/irqbalance.log'));
  if (logs.length === 0) return {};
  const found = logs.reduce((sum, [, text]) => sum + (text.match(SELECTED)?.length ?? 0), 0);
  return { selectedByIrqbalance: found };
}
