/**
 * Looks names up as an application does: getaddrinfo with the pod's own resolv.conf, in libuv's thread pool, whose size
 * (UV_THREADPOOL_SIZE) is a part of what an application feels.
 */
import { lookup } from 'node:dns';
import { promisify } from 'node:util';
import { waitFor } from '../../../core/deadline.ts';
import { afterPoll } from '../after-poll.ts';
import { startPacer } from '../pacer.ts';
import type { Tally } from '../tally.ts';
import type { Work } from '../work.ts';

export interface GetaddrinfoOptions {
  names: readonly string[];
  lookupsPerSecond: number;
  /** A lookup that takes longer counts as a timeout when it passes the limit; its own end is then ignored. */
  timeoutMs: number;
  concurrency: number;
}

/** Node's own default. */
const THREADS = 4;

export function getaddrinfo(options: GetaddrinfoOptions): Work {
  const [firstName] = options.names;
  if (firstName === undefined) throw new Error('no names to look up');
  const open = new Set<object>();
  let next = 0;
  let ended = 0;
  let tally: Tally;
  let stopPacer = (): void => undefined;

  const send = (): boolean => {
    if (open.size >= options.concurrency) return false;
    const name = options.names[next] ?? firstName;
    next = (next + 1) % options.names.length;
    const request = {};
    const sentMs = performance.now();
    open.add(request);
    const timer = setTimeout(() => {
      afterPoll(
        () => ended,
        () => {
          if (open.delete(request)) tally.timeout(performance.now() - sentMs);
        },
      );
    }, options.timeoutMs);
    lookup(name, { all: true }, (error) => {
      ended += 1;
      clearTimeout(timer);
      if (!open.delete(request)) return;
      const tookMs = performance.now() - sentMs;
      if (error === null) tally.ok(tookMs);
      else tally.error(error.code ?? error.name, tookMs);
    });
    return true;
  };

  return {
    async warmUp(withinMs) {
      const ask = promisify(lookup);
      await waitFor({ what: `the address of ${firstName}`, timeoutMs: withinMs }, () =>
        ask(firstName, { all: true }),
      );
      return `${process.env['UV_THREADPOOL_SIZE'] ?? THREADS} threads`;
    },
    start(into) {
      tally = into;
      stopPacer = startPacer({
        ratePerSecond: options.lookupsPerSecond,
        send,
        onSkipped: (count) => {
          tally.skip(count);
        },
      });
    },
    stopSending() {
      stopPacer();
    },
    isDrained: () => open.size === 0,
    unfinished: () => open.size,
    close: () => undefined,
  };
}
