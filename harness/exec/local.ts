/**
 * The one door to processes on this machine. Each runs in a process group of its own, so that a deadline or an abort
 * takes its children along: execa 9 cannot do that (`cleanup` does nothing with `detached`), so it is done here.
 */
import { execa } from 'execa';
import type { Readable, Writable } from 'node:stream';
import {
  prettyCommand,
  type Command,
  type Completed,
  type Executor,
  type RunOptions,
} from '../core/command.ts';
import { formatDuration } from '../core/duration.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';

const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

export const local: Executor = { name: 'local', run: runLocal };

async function runLocal(command: Command, options: RunOptions): Promise<Completed> {
  options.signal?.throwIfAborted();
  const child = spawn(command, 'pipe');
  const stop = (): void => {
    signalGroup(child.pid, 'SIGKILL');
  };
  const limit = { passed: false };
  const timer = setTimeout(() => {
    limit.passed = true;
    stop();
  }, options.timeoutMs);
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    const result = await child;
    if (limit.passed) throw deadlineError(command, options.timeoutMs, result.stderr);
    options.signal?.throwIfAborted();
    if (result.exitCode === undefined && result.signal === undefined)
      throw startError(command, result.cause);
    return {
      exitCode: result.exitCode ?? null,
      signal: result.signal ?? null,
      stdout: result.stdout,
      stderr: result.stderr,
    };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', stop);
  }
}

/** A process that goes on until it is stopped; its whole group gets the signal. */
export interface LocalProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly ended: Promise<{ exitCode: number | null; signal: string | null }>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a process and returns as soon as it has a pid. The caller must read stdout and stderr. */
export function startLocal(command: Command): LocalProcess {
  const child = spawn(command, 'stream');
  const { pid, stdin, stdout, stderr } = child;
  if (pid === undefined) {
    child.catch(() => undefined);
    throw startError(command, undefined);
  }
  const ended = child.then((result) => ({
    exitCode: result.exitCode ?? null,
    signal: result.signal ?? null,
  }));
  return {
    pid,
    stdin,
    stdout,
    stderr,
    ended,
    kill: (signal) => {
      signalGroup(pid, signal);
    },
  };
}

function spawn(command: Command, mode: 'pipe' | 'stream') {
  const [file, ...args] = command.argv;
  return execa(file, args, {
    reject: false,
    detached: true,
    cleanup: false,
    stripFinalNewline: false,
    buffer: mode === 'pipe',
    maxBuffer: MAX_OUTPUT_BYTES,
    ...(mode === 'pipe' ? { input: command.stdin ?? '' } : { stdin: 'pipe' as const }),
    ...(command.env === undefined ? {} : { env: command.env }),
  });
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function startError(command: Command, cause: unknown): CoalmineError {
  return new CoalmineError(
    'command',
    `could not start \`${prettyCommand(command)}\`: ${messageOf(cause)}`,
    { cause },
  );
}

function deadlineError(command: Command, timeoutMs: number, stderr: string): CoalmineError {
  const tail = stderr.trim().split('\n').slice(-5).join('\n');
  return new CoalmineError(
    'command',
    `\`${prettyCommand(command)}\` ran into its limit of ${formatDuration(timeoutMs)}${tail === '' ? '' : `\n${tail}`}`,
  );
}
