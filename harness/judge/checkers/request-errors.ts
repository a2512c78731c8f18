/** HTTP requests against Services must succeed; errors are told apart by class and phase. */
import { z } from 'zod';
import { durationSchema, formatDuration } from '../../core/duration.ts';
import {
  groups,
  loadIntervals,
  loadParams,
  tooLittleLeft,
  totalOf,
  type LoadEvent,
  type LoadTotals,
} from '../load-intervals.ts';
import { placesOver } from '../load-places.ts';
import { distributionOf } from '../statistics/distribution.ts';
import { unknownPhases } from '../windows.ts';
import type { Checker } from './checker.ts';
import { conclude, rounded } from './conclude.ts';

const params = z.strictObject({
  ...loadParams,
  ratioMax: z.number().min(0).max(1).default(0).describe('share of requests that may fail'),
  p99Max: durationSchema.optional().describe('99th percentile, timeouts included'),
  requestsMin: z.int().min(1).default(200).describe('fewer requests than this are no evidence'),
});
type Params = z.infer<typeof params>;

/** A lost SYN is sent again after 1 s: requests above this are the trace of one. */
const LOST_SYN_MS = 900;

export const requestErrors: Checker<Params> = {
  name: 'request-errors',
  params,
  check: (history, limits) => {
    const intervals = loadIntervals(history, 'http', limits);
    const { judged, excepted, voided } = intervals;
    const total = totalOf(judged);
    const spread = distributionOf(total.latenciesMs);
    const failed = total.sent - total.ok;
    const ratio = total.sent === 0 ? 0 : failed / total.sent;
    const { p99Max, ratioMax, requestsMin } = limits;
    const places = groups(history, [...judged, ...excepted]);
    return conclude('request-errors', {
      failures: [
        ...(ratio > ratioMax ? [failuresOf(total, ratioMax)] : []),
        ...(p99Max !== undefined && spread !== undefined && spread.p99 > p99Max
          ? [p99Of(spread.p99, p99Max)]
          : []),
        ...failuresOfPlaces(judged, limits),
      ],
      gaps: [
        ...(total.sent < requestsMin
          ? [`only ${total.sent} requests were judged; ${requestsMin} are needed`]
          : []),
        ...tooLittleLeft(history, intervals),
        ...unknownPhases(history, limits.except).map((name) => `the plan has no phase ${name}`),
      ],
      notes: places.map(([place, events]) => `${place}: ${inWords(totalOf(events))}`),
      evidence: {
        requests: total.sent,
        failed,
        failedRatio: rounded(ratio),
        timeouts: total.timeouts,
        above900Ms: total.latenciesMs.filter((ms) => ms > LOST_SYN_MS).length,
        ...(spread === undefined
          ? {}
          : {
              p50Ms: rounded(spread.p50),
              p99Ms: rounded(spread.p99),
              maxMs: rounded(spread.max),
            }),
        ...Object.fromEntries(places.map(([place, events]) => [place, inWords(totalOf(events))])),
        requestsExcepted: totalOf(excepted).sent,
        requestsVoided: totalOf(voided).sent,
      },
      pass: `${failed} of ${total.sent} requests failed`,
    });
  },
};

function failuresOfPlaces(events: readonly LoadEvent[], { ratioMax, p99Max }: Params): string[] {
  return placesOver(events, { lossMax: ratioMax, p99Max }).flatMap(
    ({ place, total, lossy, slowMs }) => [
      ...(lossy ? [`${place}: ${failuresOf(total, ratioMax)}`] : []),
      ...(slowMs !== undefined && p99Max !== undefined
        ? [`${place}: ${p99Of(slowMs, p99Max)}`]
        : []),
    ],
  );
}

function failuresOf(total: LoadTotals, ratioMax: number): string {
  return `${total.sent - total.ok} of ${total.sent} requests failed (${classes(total)}), allowed is a share of ${ratioMax}`;
}

function p99Of(p99Ms: number, limitMs: number): string {
  return `p99 of requests was ${formatDuration(p99Ms)} (limit ${formatDuration(limitMs)})`;
}

function inWords(total: LoadTotals): string {
  const failed = total.sent - total.ok;
  return `${failed} of ${total.sent} failed${failed === 0 ? '' : ` (${classes(total)})`}`;
}

function classes({ timeouts, errors }: LoadTotals): string {
  const all = { ...(timeouts > 0 ? { timeout: timeouts } : {}), ...errors };
  return Object.entries(all)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${count} ${code}`)
    .join(', ');
}
