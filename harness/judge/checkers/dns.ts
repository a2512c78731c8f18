/**
 * Lookups must be answered, and in time. A timeout counts into the distribution with its length: leaving it out is how a
 * tail disappears (dnsperf#262). The 5 s class stands by itself, because it is the retry of a lost packet (seed 002).
 */
import { z } from 'zod';
import { durationSchema, formatDuration } from '../../core/duration.ts';
import {
  groups,
  loadIntervals,
  loadParams,
  tooLittleLeft,
  totalOf,
  type LoadEvent,
} from '../load-intervals.ts';
import { placesOver } from '../load-places.ts';
import { distributionOf } from '../statistics/distribution.ts';
import { unknownPhases } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude, rounded } from './conclude.ts';

const params = z.strictObject({
  ...loadParams,
  lossMax: z.number().min(0).max(1).default(0.001).describe('share of lookups without an answer'),
  p99Max: durationSchema.optional().describe('99th percentile, timeouts included'),
  fiveSecondMax: z.int().min(0).default(0).describe('lookups that took 4.5 s to 5.5 s'),
  lookupsMin: z.int().min(1).default(1_000).describe('fewer lookups than this are no evidence'),
});
type Params = z.infer<typeof params>;

/** Where resolvers' retries lie: musl 2.5 s, glibc 5 s and its second try 10 s. */
const CLASSES = {
  '2.5s': { fromMs: 2_250, toMs: 2_750 },
  '5s': { fromMs: 4_500, toMs: 5_500 },
  '10s': { fromMs: 9_500, toMs: 10_500 },
} as const;

export const dns: Checker<Params> = {
  name: 'dns',
  params,
  check: (history, limits) => {
    const intervals = loadIntervals(history, 'dns', limits);
    const { judged, excepted, voided } = intervals;
    const total = summarise(judged);
    const places = groups(history, [...judged, ...excepted]);
    return conclude('dns', {
      failures: [...failures(total, limits), ...failuresOfPlaces(judged, limits)],
      gaps: [
        ...(total.sent < limits.lookupsMin
          ? [`only ${total.sent} lookups were judged; ${limits.lookupsMin} are needed`]
          : []),
        ...tooLittleLeft(history, intervals),
        ...unknownPhases(history, limits.except).map((name) => `the plan has no phase ${name}`),
      ],
      notes: places.map(([place, events]) => `${place}: ${inWords(summarise(events))}`),
      evidence: {
        lookups: total.sent,
        lost: total.lost,
        timeouts: total.timeouts,
        lossRatio: rounded(total.lossRatio),
        ...(total.spread === undefined
          ? {}
          : {
              p50Ms: rounded(total.spread.p50),
              p99Ms: rounded(total.spread.p99),
              maxMs: rounded(total.spread.max),
            }),
        'class 2.5s': total.classes['2.5s'],
        'class 5s': total.classes['5s'],
        'class 10s': total.classes['10s'],
        ...Object.fromEntries(places.map(([place, events]) => [place, inWords(summarise(events))])),
        lookupsExcepted: totalOf(excepted).sent,
        lookupsVoided: totalOf(voided).sent,
      },
      pass: `${total.sent} lookups: ${inWords(total)}`,
    });
  },
};

type Summary = ReturnType<typeof summarise>;

function summarise(events: readonly LoadEvent[]) {
  const { sent, ok, timeouts, latenciesMs } = totalOf(events);
  const count = ({ fromMs, toMs }: { fromMs: number; toMs: number }): number =>
    latenciesMs.filter((latencyMs) => latencyMs >= fromMs && latencyMs <= toMs).length;
  return {
    sent,
    lost: sent - ok,
    timeouts,
    lossRatio: sent === 0 ? 0 : (sent - ok) / sent,
    spread: distributionOf(latenciesMs),
    classes: {
      '2.5s': count(CLASSES['2.5s']),
      '5s': count(CLASSES['5s']),
      '10s': count(CLASSES['10s']),
    },
  };
}

function failures(total: Summary, { lossMax, p99Max, fiveSecondMax }: Params): string[] {
  const { spread } = total;
  return [
    ...(total.lossRatio > lossMax ? [lossOf(total, lossMax)] : []),
    ...(total.classes['5s'] > fiveSecondMax
      ? [`${total.classes['5s']} lookups took about 5 s (limit ${fiveSecondMax})`]
      : []),
    ...(p99Max !== undefined && spread !== undefined && spread.p99 > p99Max
      ? [p99Of(spread.p99, p99Max)]
      : []),
  ];
}

function failuresOfPlaces(events: readonly LoadEvent[], { lossMax, p99Max }: Params): string[] {
  return placesOver(events, { lossMax, p99Max }).flatMap(({ place, total, lossy, slowMs }) => {
    const { sent, ok } = total;
    const lost = { sent, lost: sent - ok, lossRatio: (sent - ok) / sent };
    return [
      ...(lossy ? [`${place}: ${lossOf(lost, lossMax)}`] : []),
      ...(slowMs !== undefined && p99Max !== undefined
        ? [`${place}: ${p99Of(slowMs, p99Max)}`]
        : []),
    ];
  });
}

function lossOf(
  { lost, sent, lossRatio }: Pick<Summary, 'lost' | 'sent' | 'lossRatio'>,
  lossMax: number,
): string {
  return `${lost} of ${sent} lookups were lost (${percent(lossRatio)}, limit ${percent(lossMax)})`;
}

function p99Of(p99Ms: number, limitMs: number): string {
  return `p99 of lookups was ${formatDuration(p99Ms)} (limit ${formatDuration(limitMs)})`;
}

function inWords({ sent, lost, spread, classes }: Summary): string {
  const times =
    spread === undefined
      ? 'no answer'
      : `p50 ${milliseconds(spread.p50)}, p99 ${milliseconds(spread.p99)}, max ${milliseconds(spread.max)}`;
  return `${lost} of ${sent} lost, ${times}, ${classes['5s']} at 5 s`;
}

function milliseconds(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)}ms` : formatDuration(ms);
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))} %`;
}
