/** HTTP requests against Services must succeed; errors are told apart by class and phase. */
import { z } from 'zod';
import { durationSchema, formatDuration } from '../../core/duration.ts';
import {
  groups,
  loadIntervals,
  loadParams,
  tooLittleLeft,
  totalOf,
  type LoadTotals,
} from '../load-intervals.ts';
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

/** A lost SYN is sent again after 1 s: requests above this are the trace of one. */
const LOST_SYN_MS = 900;

export const requestErrors: Checker<z.infer<typeof params>> = {
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
        ...(ratio > ratioMax
          ? [
              `${failed} of ${total.sent} requests failed (${classes(total)}), allowed is a share of ${ratioMax}`,
            ]
          : []),
        ...(p99Max !== undefined && spread !== undefined && spread.p99 > p99Max
          ? [`p99 of requests was ${formatDuration(spread.p99)} (limit ${formatDuration(p99Max)})`]
          : []),
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
