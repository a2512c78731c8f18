/** The life of a generator: ready line, a line an interval, and after SIGTERM a drain, the last interval, the end line. */
import { waitFor } from '../../core/deadline.ts';
import { messageOf } from '../../core/errors.ts';
import type { LoadLine } from '../lines.ts';
import { watchStalls } from './stall.ts';
import { createTally } from './tally.ts';
import type { Work } from './work.ts';

const INTERVAL_MS = 1_000;
/** Beyond the limit of a request: its timeout must be noticed and counted. */
const DRAIN_MARGIN_MS = 1_000;

export interface Life {
  load: string;
  /** Longest a request in flight is waited for at the end. */
  timeoutMs: number;
  readyWithinMs: number;
  /** Stop after this time; without it, only a signal ends the load. */
  durationMs: number | undefined;
}

/** Returns the exit code: 0 after an ordinary stop, 1 where the load never got ready or broke. */
export async function live(work: Work, life: Life): Promise<number> {
  const stopped = stopSignal();
  let target: string;
  try {
    const first = await Promise.race([work.warmUp(life.readyWithinMs), stopped]);
    if (first === STOPPED) return end(work, { ended: 'stopped before it was ready' }, 0);
    target = first;
  } catch (error) {
    return end(work, { ended: `never ready: ${messageOf(error)}` }, 1);
  }
  print({ ready: true, atWallMs: Date.now(), load: life.load, detail: target });
  return send(work, life, stopped);
}

async function send(work: Work, life: Life, stopped: Promise<typeof STOPPED>): Promise<number> {
  const stalls = watchStalls();
  const tally = createTally(Date.now());
  const printInterval = (): void => {
    const line = tally.take(Date.now(), stalls.takeMs());
    print(work.flows === undefined ? line : { ...line, flows: work.flows() });
  };
  work.start(tally);
  const timer = setInterval(printInterval, INTERVAL_MS);
  const over = timeIsOver(life.durationMs);
  const reason = await Promise.race([stopped, over.promise, work.broken ?? never()]);
  over.cancel();
  work.stopSending();
  await drained(work, life.timeoutMs + DRAIN_MARGIN_MS);
  clearInterval(timer);
  stalls.stop();
  printInterval();
  const isOrdinary = reason === STOPPED || reason === TIME_OVER;
  return end(
    work,
    { ended: reason, total: tally.total, unfinished: work.unfinished() },
    isOrdinary ? 0 : 1,
  );
}

const STOPPED = 'stopped';
const TIME_OVER = 'the time was over';

function stopSignal(): Promise<typeof STOPPED> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => {
        resolve(STOPPED);
      });
  });
}

function timeIsOver(durationMs: number | undefined): {
  promise: Promise<string>;
  cancel(): void;
} {
  if (durationMs === undefined) return { promise: never(), cancel: () => undefined };
  let timer: NodeJS.Timeout | undefined;
  const promise = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, durationMs, TIME_OVER);
  });
  return {
    promise,
    cancel: () => {
      clearTimeout(timer);
    },
  };
}

function never(): Promise<string> {
  return new Promise(() => undefined);
}

/** What is left after the limit stays in the end line as unfinished; it is no error of the generator. */
async function drained(work: Work, timeoutMs: number): Promise<void> {
  const empty = () => Promise.resolve(work.isDrained() ? true : undefined);
  await waitFor({ what: 'requests in flight', timeoutMs, everyMs: 20 }, empty).catch(
    () => undefined,
  );
}

function end(
  work: Work,
  line: Omit<Extract<LoadLine, { ended: string }>, 'atWallMs'>,
  exitCode: number,
): number {
  work.close();
  print({ ...line, atWallMs: Date.now() });
  return exitCode;
}

/** Does not wait for a slow reader: the line is kept until the pipe takes it. */
export function print(line: LoadLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
