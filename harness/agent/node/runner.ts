/** Runs argv arrays on the node, each in a process group of its own, so that whatever it started ends with it. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { prettyCommand, type Command, type Completed } from '../../core/command.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import { splitLines } from '../lines.ts';
import { MAX_OUTPUT_CHARS } from '../protocol.ts';
import type { Link } from './link.ts';

/** A container's PATH may be anything; tools such as ip and iptables live in the sbin folders. */
const SANE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const ENV = { ...process.env, PATH: [process.env['PATH'] ?? [], SANE_PATH].flat().join(':') };
/** A process that left its group may hold the output open after the kill; it is not waited for any longer than this. */
const CLOSE_GRACE_MS = 1_000;
const MAX_TEXT_LINE_CHARS = 1024 * 1024;

export type Output = Completed & { truncated: boolean; timedOut: boolean };

export interface Running {
  /** Rejects where it could not be started. */
  readonly started: Promise<unknown>;
  readonly ended: Promise<Pick<Completed, 'exitCode' | 'signal'>>;
  kill(signal: NodeJS.Signals): void;
}

export type Runner = ReturnType<typeof createRunner>;

export function createRunner() {
  const living = new Set<Running>();

  async function run(
    command: Command,
    { timeoutMs, onStart }: { timeoutMs: number; onStart?: (running: Running) => void },
  ): Promise<Output> {
    const { child, running } = launch(command, living);
    onStart?.(running);
    const out = collect(child.stdout);
    const err = collect(child.stderr);
    const limit = { passed: false };
    const timer = setTimeout(() => {
      limit.passed = true;
      running.kill('SIGKILL');
    }, timeoutMs);
    try {
      await running.started;
      const exit = await running.ended;
      const truncated = out.truncated() || err.truncated();
      return { ...exit, stdout: out.text(), stderr: err.text(), truncated, timedOut: limit.passed };
    } finally {
      clearTimeout(timer);
    }
  }

  function start(
    command: Command,
    link: Link,
    onLine: (line: string, stream: 'stdout' | 'stderr') => void,
  ): Running {
    const { child, running } = launch(command, living);
    for (const name of ['stdout', 'stderr'] as const) {
      const deliver = (line: string): void => {
        onLine(line, name);
      };
      const lines = splitLines(MAX_TEXT_LINE_CHARS, deliver, deliver);
      child[name].on('data', (chunk: Buffer) => {
        lines.push(chunk);
        link.throttle(child[name]);
      });
      child[name].on('end', lines.end);
    }
    return running;
  }

  const killAll = (): void => {
    for (const running of living) running.kill('SIGKILL');
  };
  return { name: 'node', run, start, killAll };
}

function launch(command: Command, living: Set<Running>) {
  const { argv, env, stdin } = command;
  // Each pipe costs a node without KVM a millisecond.
  const child = spawn(argv[0], argv.slice(1), {
    detached: true,
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: env === undefined ? ENV : { ...ENV, ...env },
  }) as ChildProcessByStdio<Writable | null, Readable, Readable>;
  // A command may end without reading its input: that is its business.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(stdin);
  const running: Running = {
    started: once(child, 'spawn').catch((cause: unknown) => {
      const message = `could not start \`${prettyCommand(command)}\`: ${messageOf(cause)}`;
      throw new CoalmineError('command', message, { cause });
    }),
    ended: new Promise((resolve) => {
      child.once('close', (exitCode, signal) => {
        living.delete(running);
        resolve({ exitCode, signal });
      });
    }),
    kill: (signal) => {
      if (living.has(running)) signalGroup(child, signal);
    },
  };
  living.add(running);
  return { child, running };
}

function signalGroup(
  { pid, stdout, stderr }: ChildProcessByStdio<Writable | null, Readable, Readable>,
  signal: NodeJS.Signals,
): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // Gone already.
  }
  if (signal !== 'SIGKILL') return;
  setTimeout(() => {
    stdout.destroy();
    stderr.destroy();
  }, CLOSE_GRACE_MS).unref();
}

function collect(stream: Readable) {
  const decoder = new StringDecoder('utf8');
  const parts: string[] = [];
  let room = MAX_OUTPUT_CHARS;
  stream.on('data', (chunk: Buffer) => {
    const text = decoder.write(chunk);
    if (room > 0) parts.push(text.slice(0, room));
    room -= text.length;
  });
  return { text: () => parts.join('') + decoder.end(), truncated: () => room < 0 };
}
