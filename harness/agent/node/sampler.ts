/** Reads a watched source on absolute deadlines and reports what changed. A tick that cannot be kept is skipped and counted. */
import { monotonicMs } from '../../core/clock.ts';
import type { Report, Request } from '../protocol.ts';
import type { Link } from './link.ts';
import type { Runner } from './runner.ts';
import { watchCommand } from './watched-command.ts';
import { watchFiles } from './watched-files.ts';

export type Changed = Extract<Report, { type: 'reading' }>['changed'];

/** One look at a source. `failure` is why some of it could not be read; `good` is false where none of it could. */
interface Look {
  changed: Changed;
  good: boolean;
  failure: string | undefined;
}

export interface Source {
  look(): Look | Promise<Look>;
  close(): void;
}

const PROGRESS_EVERY_MS = 1_000;

/** Reads at once and then on every multiple of `everyMs` of the node's clock, so that equal periods share a wake-up. */
export function startWatch(
  { id, everyMs, everyTick, source: wanted }: Extract<Request, { type: 'watch' }>,
  runner: Runner,
  link: Link,
): () => void {
  const source = 'files' in wanted ? watchFiles(wanted.files) : watchCommand(wanted, runner);
  let tally = { reads: 0, failures: 0, skips: 0 };
  let lastError: string | undefined;
  let state: 'idle' | 'reading' | 'stopped' = 'idle';
  let progressMs = monotonicMs();
  let dueMs = Math.floor(progressMs / everyMs) * everyMs;
  let timer = setTimeout(tick, 0);

  function tick(): void {
    const nowMs = monotonicMs();
    const nextMs = Math.max(dueMs, Math.floor(nowMs / everyMs) * everyMs) + everyMs;
    tally.skips += (nextMs - dueMs) / everyMs - 1;
    dueMs = nextMs;
    timer = setTimeout(tick, Math.ceil(nextMs - nowMs));
    const behind = link.behind();
    if (behind || state === 'reading') tally.skips += 1;
    else look(nowMs);
    if (behind || nowMs - progressMs < PROGRESS_EVERY_MS) return;
    const error = lastError === undefined ? {} : { lastError };
    link.send({ type: 'progress', id, monoMs: nowMs, ...tally, ...error });
    progressMs = nowMs;
    tally = { reads: 0, failures: 0, skips: 0 };
    lastError = undefined;
  }

  function look(fromMs: number): void {
    const result = source.look();
    if (!(result instanceof Promise)) {
      report(fromMs, result);
      return;
    }
    state = 'reading';
    void result.then((later) => {
      if (state === 'stopped') return;
      state = 'idle';
      report(fromMs, later);
    });
  }

  function report(fromMs: number, { changed, good, failure }: Look): void {
    tally.reads += 1;
    if (!good) tally.failures += 1;
    lastError = failure ?? lastError;
    if (!everyTick && Object.keys(changed).length === 0) return;
    const spreadMs = (monotonicMs() - fromMs) / 2;
    link.send({ type: 'reading', id, monoMs: fromMs + spreadMs, spreadMs, changed });
  }

  return () => {
    state = 'stopped';
    clearTimeout(timer);
    source.close();
  };
}
