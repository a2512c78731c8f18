/** Runs a long local command, hands on its lines as they come, keeps them in a bounded log, and holds a deadline. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { prettyCommand, type Command } from '../core/command.ts';
import { formatDuration } from '../core/duration.ts';
import { CoalmineError } from '../core/errors.ts';
import { startLocal } from '../exec/local.ts';

const LOG_BYTES_MAX = 1_000_000;
const TAIL_LINES = 15;

export interface WatchedOptions {
  timeoutMs: number;
  signal: AbortSignal;
  logFile: string;
  onLine: (line: string) => void;
  /** Lines that say nothing about a failure, kept out of the error's tail. */
  isNoise: (line: string) => boolean;
}

/** Throws `component` with the tail of the output and the log's path where the command fails. */
export async function runWatched(command: Command, options: WatchedOptions): Promise<void> {
  options.signal.throwIfAborted();
  await mkdir(path.dirname(options.logFile), { recursive: true });
  const log = createWriteStream(options.logFile, { flags: 'w' });
  log.write(`${prettyCommand(command)}\n`);
  const tail: string[] = [];
  const take = (line: string): void => {
    if (log.bytesWritten < LOG_BYTES_MAX) log.write(`${line}\n`);
    if (!options.isNoise(line)) tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    options.onLine(line);
  };
  const child = startLocal(command);
  child.stdin.on('error', () => undefined); // it need not read what it is not given
  child.stdin.end();
  const limit = { passed: false };
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => {
    limit.passed = true;
    stop();
  }, options.timeoutMs);
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    const [, , ended] = await Promise.all([
      eachLine(child.stdout, take),
      eachLine(child.stderr, take),
      child.ended,
    ]);
    options.signal.throwIfAborted();
    if (ended.exitCode === 0) return;
    const how = limit.passed
      ? `ran into its limit of ${formatDuration(options.timeoutMs)}`
      : `failed with ${ended.signal === null ? `exit code ${ended.exitCode ?? '?'}` : `signal ${ended.signal}`}`;
    throw new CoalmineError(
      'component',
      [`\`${prettyCommand(command)}\` ${how} (all of it: ${options.logFile})`, ...tail].join('\n'),
    );
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', stop);
    log.end();
    await finished(log);
  }
}

async function eachLine(stream: Readable, take: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream })) take(line);
}
