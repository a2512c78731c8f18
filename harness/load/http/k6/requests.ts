/** One iteration: about a second of requests at this user's share of the rate, then one line (../../lines.ts). */
import { sleep } from 'k6';
import http from 'k6/http';
import { outcomeOf } from './outcome.ts';
import { periodMs, timeoutMs, url } from './settings.ts';

/** k6 has it, its types leave it to the DOM's. */
declare const console: { log(line: string): void };

const LINE_EVERY_MS = 1_000;
const READY_WITHIN_MS = 60_000;
const TRY_AGAIN_S = 0.5;

/** The state of one user, kept between iterations: the lines join without a gap, and the pace goes on. */
let fromWallMs = 0;
let nextMs = 0;

/** Asks until a first request succeeds; nothing before that is counted. */
export function untilReady(): void {
  const startMs = Date.now();
  for (;;) {
    const response = http.get(url, { timeout: timeoutMs });
    if (outcomeOf(response).kind === 'ok') break;
    if (Date.now() - startMs > READY_WITHIN_MS) {
      const ended = `never ready: ${url}: ${response.error || `status ${response.status}`}`;
      print({ ended, atWallMs: Date.now() });
      throw new Error(ended);
    }
    sleep(TRY_AGAIN_S);
  }
  print({ ready: true, atWallMs: Date.now(), load: 'http', detail: url });
}

export function sayEnded(): void {
  print({ ended: 'stopped', atWallMs: Date.now() });
}

export function requestsOfOneLine(): void {
  if (fromWallMs === 0) {
    fromWallMs = Date.now();
    // Spread over the period, so that the users do not ask in one burst.
    nextMs = fromWallMs + Math.random() * periodMs;
  }
  const errors: Record<string, number> = {};
  const latenciesMs: number[] = [];
  let [sent, ok, timeouts] = [0, 0, 0];
  while (Date.now() < fromWallMs + LINE_EVERY_MS) {
    const pauseMs = Math.min(nextMs, fromWallMs + LINE_EVERY_MS) - Date.now();
    if (pauseMs > 0) sleep(pauseMs / 1_000);
    if (Date.now() < nextMs) continue;
    // What a slow answer made late is left out; it is not sent as a burst.
    nextMs = Math.max(nextMs + periodMs, Date.now());
    const startMs = Date.now();
    const response = http.get(url, { timeout: timeoutMs });
    const outcome = outcomeOf(response);
    sent += 1;
    if (outcome.kind === 'ok') ok += 1;
    else if (outcome.kind === 'timeout') timeouts += 1;
    else errors[outcome.code] = (errors[outcome.code] ?? 0) + 1;
    if (outcome.kind === 'timeout') latenciesMs.push(Math.max(timeoutMs, Date.now() - startMs));
    // "blocked" holds the lookup and the connect.
    else if (response.status !== 0)
      latenciesMs.push(hundredths(response.timings.blocked + response.timings.duration));
  }
  const toWallMs = Date.now();
  print({ fromWallMs, toWallMs, sent, ok, timeouts, errors, latenciesMs });
  fromWallMs = toWallMs;
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}

function print(line: Record<string, unknown>): void {
  console.log(JSON.stringify(line));
}
