/** A local program that must run as long as its cluster: what it says goes to a file, and its death says why. */
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { within } from '../../core/deadline.ts';
import { startLocal } from '../../exec/local.ts';

const TAIL_LINES = 8;
const END_MS = 10_000;
/** A soak's log can be endless. */
const LOG_BYTES_MAX = 200 * 1024 * 1024;

export interface Daemon {
  /** Resolves with the reason when it ends without having been stopped; else never. */
  readonly died: Promise<string>;
  /** It stands still while `work` runs, so that its files do. */
  still<T>(work: () => Promise<T>): Promise<T>;
  /** Idempotent; resolves when it is gone. */
  stop(): Promise<void>;
}

export function startDaemon(name: string, argv: [string, ...string[]], logFile: string): Daemon {
  const log = createWriteStream(logFile, { flags: 'a' });
  log.on('error', () => undefined); // a full disk shows elsewhere; the program itself goes on
  const tail: string[] = [];
  const child = startLocal({ argv });
  child.stdin.on('error', () => undefined); // it need not read what it is not given
  child.stdin.end();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (log.bytesWritten < LOG_BYTES_MAX) log.write(`${line}\n`);
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
    });
  }
  let stopped = false;
  const died = new Promise<string>((resolve) => {
    void child.ended.then(({ exitCode, signal }) => {
      if (stopped) return;
      const how = signal === null ? `exit code ${exitCode ?? '?'}` : `signal ${signal}`;
      resolve([`${name} ended with ${how} (all of it: ${logFile})`, ...tail].join('\n'));
    });
  });
  return {
    died,
    still: async (work) => {
      child.kill('SIGSTOP');
      try {
        return await work();
      } finally {
        child.kill('SIGCONT');
      }
    },
    stop: async () => {
      if (!stopped) {
        stopped = true;
        child.kill('SIGKILL');
      }
      await within(`${name} to end`, END_MS, child.ended);
      log.end();
      await finished(log).catch(() => undefined);
    },
  };
}
