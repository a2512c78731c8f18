/** The real CLI as a user starts it, watched through the files that it writes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { waitFor } from '../../harness/core/deadline.ts';
import type { HistoryEvent } from '../../harness/core/history.ts';
import { local, startLocal } from '../../harness/exec/local.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');
const READY_MS = 600_000;

export interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  env?: Readonly<Record<string, string>>;
  /** What goes before it: `setpriv` with its options. */
  through?: readonly string[];
  cwd?: string;
  /** Where this checkout is for whoever goes `through`. */
  root?: string;
}

function argvOf(
  args: readonly string[],
  { through = [], cwd = ROOT, root = ROOT }: CliOptions,
): [string, ...string[]] {
  // Not the tsx program: a signal must reach coalmine and nobody else.
  const program = [process.execPath, '--import', 'tsx', path.join(root, 'harness/cli/main.ts')];
  return ['env', `--chdir=${cwd}`, ...through, ...program, ...args];
}

export async function coalmine(args: readonly string[], options: CliOptions = {}): Promise<Ended> {
  const { env } = options;
  const command = { argv: argvOf(args, options), ...(env === undefined ? {} : { env }) };
  return local.run(command, { timeoutMs: 120_000 });
}

export interface CliRun {
  readonly pid: number;
  readonly runId: string;
  /** The run directory. */
  readonly dir: string;
  readonly ended: Promise<Ended>;
  readonly stderr: () => string;
  /** Resolves with the first event that fits; rejects where the run ends without one. */
  event(fits: (event: HistoryEvent) => boolean): Promise<HistoryEvent>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts `run` and returns once its run directory is there. */
export async function startCliRun(
  reportsDir: string,
  args: readonly string[],
  options: Pick<CliOptions, 'through' | 'root'> = {},
): Promise<CliRun> {
  const child = startLocal({ argv: argvOf(['run', ...args, '--reports', reportsDir], options) });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += String(chunk)));
  let over = false;
  const ended = child.ended.then(({ exitCode }) => {
    over = true;
    return { exitCode, ...said };
  });
  const soon = async <T extends object>(what: string, ask: () => T | undefined): Promise<T> => {
    const found = await waitFor({ what, timeoutMs: READY_MS, everyMs: 50 }, () => {
      const answer = ask();
      return Promise.resolve(answer ?? (over ? ('ended' as const) : undefined));
    });
    if (found === 'ended') throw new Error(`it ended before ${what}:\n${said.stderr}`);
    return found;
  };
  const { dir, runId } = await soon('a run directory', () => runIn(reportsDir));
  return {
    pid: child.pid,
    runId,
    dir,
    ended,
    stderr: () => said.stderr,
    event: (fits) => soon('an event', () => eventsOf(dir).find(fits)),
    // Only the program itself: a signal to its group would be another thing.
    kill: (signal) => {
      process.kill(child.pid, signal);
    },
  };
}

function runIn(reportsDir: string): { dir: string; runId: string } | undefined {
  const names = existsSync(reportsDir) ? readdirSync(reportsDir) : [];
  for (const dir of names.map((name) => path.join(reportsDir, name))) {
    if (!existsSync(path.join(dir, 'events.ndjson'))) continue;
    return {
      dir,
      ...(JSON.parse(readFileSync(path.join(dir, 'plan.json'), 'utf8')) as { runId: string }),
    };
  }
  return undefined;
}

/** Whole lines only: the last one may be on its way. */
export function eventsOf(dir: string): HistoryEvent[] {
  const file = path.join(dir, 'events.ndjson');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as HistoryEvent);
}
