/** The control plane's processes as one: it runs whole, stands still whole, and its end says who ended first, and how. */
import { readdir, readFile, stat, truncate } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import { waitFor, within } from '../../core/deadline.ts';
import { startLocal, type LocalProcess } from '../../exec/local.ts';
import { ENDED_FILE, PID_FILE } from './init-script.ts';

const BEGIN_MS = 30_000;
const BEGIN_EVERY_MS = 5;
const END_MS = 10_000;
const PATIENCE_MS = 2_000;
const TAIL_LINES = 8;
/** A soak's log can be endless. */
const LOG_BYTES_MAX = 200 * 1024 * 1024;
const LOG_EVERY_MS = 60_000;

export interface ProcessTree {
  /** Of its first process. */
  readonly pid: number;
  /** Resolves with the reason when it ends without having been stopped; else never. */
  readonly died: Promise<string>;
  /** To its first process. */
  kill(signal: NodeJS.Signals): void;
  /** All of it stands still while `work` runs, so that its files do. */
  still(work: () => Promise<unknown>): Promise<void>;
  /** Idempotent; resolves when nothing of it is left. */
  stop(): Promise<void>;
}

export interface TreeFiles {
  /** Where its first process works. */
  readonly folder: string;
  /** With NAME.log of each program. */
  readonly logs: string;
  /** What its first process says, or whoever makes it: a file in `logs`. */
  readonly ownLog: string;
}

/** Resolves once its first process is there, which is the child of the one that `argv` starts. */
export async function startTree(
  argv: readonly [string, ...string[]],
  files: TreeFiles,
  signal: AbortSignal,
): Promise<ProcessTree> {
  const child = startLocal({ argv });
  child.stdin.on('error', () => undefined); // it need not read what it is not given
  child.stdin.end();
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (said = `${said}${text.toString()}`.slice(-1_000)));
  let stopped = false;
  let gone = false;
  const ended = child.ended.then(async (how) => lastWords(files, said, how));
  const died = new Promise<string>((resolve) => {
    void ended.then((why) => {
      gone = true;
      if (!stopped) resolve(why);
    });
  });
  const pid = await firstProcess(child, files.folder, ended);
  const keeper = setInterval(() => void keepSmall(files.logs), LOG_EVERY_MS).unref();
  const stop = async (): Promise<void> => {
    clearInterval(keeper);
    // Its namespace goes with it, and with that all others.
    if (!stopped && !gone) send(pid, 'SIGKILL');
    stopped = true;
    // A CRIU that failed half-way waits for what it has not made, and would keep this program from its own end.
    const patience = setTimeout(() => {
      child.kill('SIGKILL');
    }, PATIENCE_MS);
    await within('the control plane to end', END_MS, child.ended).finally(() => {
      clearTimeout(patience);
    });
  };
  if (signal.aborted) {
    await stop();
    signal.throwIfAborted();
  }
  return {
    ...{ pid, died, stop },
    kill: (name) => {
      send(pid, name);
    },
    still: async (work) => {
      send(-pid, 'SIGSTOP');
      try {
        await work();
      } finally {
        send(-pid, 'SIGCONT');
      }
    },
  };
}

/** That it is gone is told elsewhere. */
function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Nothing interrupts this: what CRIU has half made, nobody could end. */
async function firstProcess(
  child: LocalProcess,
  folder: string,
  ended: Promise<string>,
): Promise<number> {
  const over = new AbortController();
  const what = 'the control plane to begin';
  const wait = { what, timeoutMs: BEGIN_MS, everyMs: BEGIN_EVERY_MS, signal: over.signal };
  const begun = waitFor(wait, async () => {
    const text = await readFile(path.join(folder, PID_FILE), 'utf8').catch(() => '');
    return /^\d+\s*$/.test(text) ? Number(text) : undefined;
  });
  const dead = ended.then((why) => Promise.reject(new Error(why)));
  try {
    return await Promise.race([begun, dead]);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    over.abort();
    for (const one of [begun, dead]) one.catch(() => undefined);
  }
}

async function lastWords(
  { folder, logs, ownLog }: TreeFiles,
  said: string,
  { exitCode, signal }: { exitCode: number | null; signal: string | null },
): Promise<string> {
  const ended = await readFile(path.join(folder, ENDED_FILE), 'utf8').catch(() => '');
  const first = /^(\S+) (\d+)$/m.exec(ended);
  if (first === null) {
    const how = signal === null ? `exit code ${exitCode ?? '?'}` : `signal ${signal}`;
    const log = await readFile(path.join(logs, ownLog), 'utf8').catch(() => '');
    return [`the control plane ended with ${how}`, ...tail(`${log}\n${said}`)].join('\n');
  }
  const [, name = '', code = ''] = first;
  const log = path.join(logs, `${name}.log`);
  const text = await readFile(log, 'utf8').catch(() => '');
  return [`${name} ended with ${meaning(Number(code))} (all of it: ${log})`, ...tail(text)].join(
    '\n',
  );
}

function tail(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-TAIL_LINES);
}

/** A shell's exit code of a program that a signal ended is 128 more than its number. */
function meaning(code: number): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return signal === undefined ? `exit code ${code}` : `signal ${signal[0]}`;
}

/** They are appended to, wherever the end is. */
async function keepSmall(logs: string): Promise<void> {
  for (const name of await readdir(logs).catch(() => [])) {
    const file = path.join(logs, name);
    const found = await stat(file).catch(() => undefined);
    if ((found?.size ?? 0) > LOG_BYTES_MAX) await truncate(file).catch(() => undefined);
  }
}
