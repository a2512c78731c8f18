/**
 * Queries per CPU-second of our pair generator, as a share of dnsperf's: all at full speed, in turns, against the same
 * responder on loopback. Counted are answered queries, and all CPU time of the measured process, the kernel's for it
 * included; not counted is the responder's. Once as they are, over a run of six seconds, and once without what it costs
 * to start (the difference to a run of half a second), for a soak pays that once; the goal is for the latter. `fixed` is
 * one socket for all pairs, as dnsperf has it; `rotate` opens a socket for each pair, which dnsperf cannot do: no goal.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from '../../harness/core/command.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { local, startLocal } from '../../harness/exec/local.ts';
import { bundleTo } from '../support/bundle.ts';
import { median, type Ratio } from './ratio.ts';

const ROUNDS = 3;
const START_MS = 500;
const FULL_MS = 6_000;
const TICKS_PER_SECOND = 100;
const RESPONDER = path.resolve(import.meta.dirname, '../support/echo-responder.js');
const MODES = ['fixed', 'rotate'] as const;
type Mode = (typeof MODES)[number];

/** Answered queries per second of CPU time. */
interface Rate {
  whole: number;
  afterStart: number;
}

export async function dnsGenerator(): Promise<Ratio[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-bench-'));
  const responder = startLocal({ argv: [process.execPath, RESPONDER] });
  try {
    // Listened to at once: what a started process says to nobody is lost.
    const portLine = firstLine(responder.stdout);
    const generator = path.join(folder, 'generator.mjs');
    await bundleTo(generator, 'generator');
    const port = await portLine;
    const queries = path.join(folder, 'queries');
    writeFileSync(queries, 'a.example A\na.example AAAA\n');
    const rounds: Record<'dnsperf' | Mode, Rate>[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const own = (mode: Mode) => (ms: number) => ownCommand(generator, port, mode, ms);
      rounds.push({
        dnsperf: await rateOf((ms) => dnsperfCommand(port, queries, ms), dnsperfCompleted),
        fixed: await rateOf(own('fixed'), ownCompleted),
        rotate: await rateOf(own('rotate'), ownCompleted),
      });
    }
    return MODES.flatMap((mode) => ratiosOf(mode, rounds));
  } finally {
    responder.kill('SIGKILL');
    await responder.ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

function ratiosOf(mode: Mode, rounds: readonly Record<'dnsperf' | Mode, Rate>[]): Ratio[] {
  const ways = { afterStart: 'without its start', whole: 'its start included' } as const;
  return (['afterStart', 'whole'] as const).map((way) => {
    const own = median(rounds.map((round) => round[mode][way]));
    const theirs = median(rounds.map((round) => round.dnsperf[way]));
    return {
      name: `dns-pairs (${mode}) ÷ dnsperf`,
      value: median(rounds.map((round) => round[mode][way] / round.dnsperf[way])),
      ...(mode === 'fixed' && way === 'afterStart' ? { goal: { atLeast: 0.35 } } : {}),
      unit: `answered queries per CPU-second, ${ways[way]}: ${own.toFixed(0)} ÷ ${theirs.toFixed(0)}`,
    };
  });
}

function dnsperfCommand(port: string, queries: string, durationMs: number): Command {
  const target = ['-s', '127.0.0.1', '-p', port, '-d', queries];
  return { argv: ['dnsperf', ...target, '-l', String(durationMs / 1_000)] };
}

function dnsperfCompleted(stdout: string): number {
  return Number(/Queries completed:\s+(\d+)/.exec(stdout)?.[1]);
}

function ownCommand(generator: string, port: string, mode: Mode, durationMs: number): Command {
  const target = ['--server', `127.0.0.1:${port}`, '--names', 'a.example', '--sockets', mode];
  const pace = ['--rate', '0', '--duration-ms', String(durationMs)];
  return { argv: [process.execPath, generator, 'dns-pairs', ...target, ...pace] };
}

function ownCompleted(stdout: string): number {
  const end = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { total?: { ok: number } };
  return end.total?.ok ?? Number.NaN;
}

async function rateOf(
  command: (durationMs: number) => Command,
  completed: (stdout: string) => number,
): Promise<Rate> {
  const short = await measured(command(START_MS), completed);
  const long = await measured(command(FULL_MS), completed);
  return {
    whole: long.queries / long.cpuSeconds,
    afterStart: (long.queries - short.queries) / (long.cpuSeconds - short.cpuSeconds),
  };
}

async function measured(
  command: Command,
  completed: (stdout: string) => number,
): Promise<{ queries: number; cpuSeconds: number }> {
  const before = childrenCpuSeconds();
  const stdout = await runOrThrow(local, command, { timeoutMs: 10 * FULL_MS });
  const queries = completed(stdout);
  const cpuSeconds = childrenCpuSeconds() - before;
  if (!(queries >= 0)) throw new Error(`nothing to measure: ${stdout.slice(-500)}`);
  return { queries, cpuSeconds };
}

/** CPU time of the children that were waited for: the kernel's own account, after the fact (proc(5), cutime and cstime). */
function childrenCpuSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  let heard = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => (heard += text));
  return waitFor({ what: "the responder's port", timeoutMs: 10_000, everyMs: 10 }, () =>
    Promise.resolve(heard.includes('\n') ? heard.trim() : undefined),
  );
}
