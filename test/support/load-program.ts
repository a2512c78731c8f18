/** Runs a load generator as a real child process and reads its lines as the controller does. */
import path from 'node:path';
import { createInterface } from 'node:readline';
import { waitFor } from '../../harness/core/deadline.ts';
import { startLocal, type LocalProcess } from '../../harness/exec/local.ts';
import {
  parseLoadLine,
  type EndedLine,
  type IntervalLine,
  type LoadLine,
} from '../../harness/load/lines.ts';

const GENERATOR = path.resolve(import.meta.dirname, '../../harness/load/generator/main.ts');
const LIMIT_MS = 30_000;

export interface LoadProgram {
  readonly process: LocalProcess;
  readonly lines: readonly LoadLine[];
  /** Everything on stdout that is no line of ours, and all of stderr. */
  readonly talk: readonly string[];
  /** Resolves once a line fits. */
  line(what: string, fits: (line: LoadLine) => boolean): Promise<void>;
  ready(): Promise<void>;
  /** Resolves when it exited, with its exit code. */
  exit(): Promise<number | null>;
}

export function startGenerator(
  options: readonly string[],
  env: Readonly<Record<string, string>> = {},
): LoadProgram {
  return startLoadProgram([process.execPath, '--import', 'tsx', GENERATOR, ...options], env);
}

export function startLoadProgram(
  argv: [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): LoadProgram {
  const child = startLocal({ argv, env });
  const lines: LoadLine[] = [];
  const talk: string[] = [];
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parseLoadLine(text);
    if (line === undefined) talk.push(text);
    else lines.push(line);
  });
  createInterface({ input: child.stderr }).on('line', (text) => {
    talk.push(text);
  });
  const line = async (what: string, fits: (line: LoadLine) => boolean): Promise<void> => {
    await waitFor({ what, timeoutMs: LIMIT_MS, everyMs: 10 }, () =>
      Promise.resolve(lines.some(fits) ? true : undefined),
    ).catch((error: unknown) => {
      child.kill('SIGKILL');
      throw new Error(`${what} never came; it said: ${talk.join(' | ')}`, { cause: error });
    });
  };
  return {
    process: child,
    lines,
    talk,
    line,
    ready: () => line('the ready line', (each) => 'ready' in each),
    async exit() {
      const limit = setTimeout(() => {
        child.kill('SIGKILL');
      }, LIMIT_MS);
      const { exitCode } = await child.ended;
      clearTimeout(limit);
      return exitCode;
    },
  };
}

export interface LoadSum {
  sent: number;
  ok: number;
  timeouts: number;
  errors: Record<string, number>;
  latenciesMs: number[];
}

/** Adds all intervals up. */
export function sumOf(lines: readonly LoadLine[]): LoadSum {
  const sum: LoadSum = { sent: 0, ok: 0, timeouts: 0, errors: {}, latenciesMs: [] };
  for (const line of intervalsOf(lines)) {
    sum.sent += line.sent;
    sum.ok += line.ok;
    sum.timeouts += line.timeouts;
    sum.latenciesMs.push(...line.latenciesMs);
    for (const [code, count] of Object.entries(line.errors))
      sum.errors[code] = (sum.errors[code] ?? 0) + count;
  }
  return sum;
}

export function intervalsOf(lines: readonly LoadLine[]): IntervalLine[] {
  return lines.filter((line): line is IntervalLine => 'sent' in line);
}

export function endOf(lines: readonly LoadLine[]): EndedLine | undefined {
  const last = lines.at(-1);
  return last !== undefined && 'ended' in last ? last : undefined;
}
