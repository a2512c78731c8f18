/**
 * Queries per CPU-second of our one-socket pair generator, as a share of dnsperf's: both at full speed, in turns, against
 * the same responder. What it costs to start each of them is measured apart and left out: a soak pays it once.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from '../../harness/core/command.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { local, startLocal } from '../../harness/exec/local.ts';
import { bundleGenerator } from '../../harness/load/bundle.ts';

const ROUNDS = 3;
const START_MS = 500;
const FULL_MS = 6_000;
const TICKS_PER_SECOND = 100;
const RESPONDER = path.resolve(import.meta.dirname, '../support/echo-responder.js');

export interface Ratio {
  name: string;
  value: number;
  goal: number;
  unit: string;
}

export async function dnsGeneratorRatio(): Promise<Ratio> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-bench-'));
  const responder = startLocal({ argv: [process.execPath, RESPONDER] });
  try {
    // Listened to at once: what a started process says to nobody is lost.
    const portLine = firstLine(responder.stdout);
    const generator = path.join(folder, 'generator.mjs');
    await bundleGenerator(generator);
    const port = await portLine;
    const queries = path.join(folder, 'queries');
    writeFileSync(queries, 'a.example A\na.example AAAA\n');
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const theirs = await queriesPerCpuSecond(
        (ms) => dnsperfCommand(port, queries, ms),
        dnsperfCompleted,
      );
      const ours = await queriesPerCpuSecond((ms) => ownCommand(generator, port, ms), ownCompleted);
      ratios.push(ours / theirs);
    }
    const [value = 0] = ratios.sort((a, b) => a - b).slice(Math.floor(ROUNDS / 2));
    return {
      ...{ name: 'one-socket DNS generator, queries per CPU-second ÷ dnsperf', value },
      ...{ goal: 0.35, unit: 'ratio, at least' },
    };
  } finally {
    responder.kill('SIGKILL');
    await responder.ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

function dnsperfCommand(port: string, queries: string, durationMs: number): Command {
  const target = ['-s', '127.0.0.1', '-p', port, '-d', queries];
  return { argv: ['dnsperf', ...target, '-l', String(durationMs / 1_000)] };
}

function dnsperfCompleted(stdout: string): number {
  return Number(/Queries completed:\s+(\d+)/.exec(stdout)?.[1]);
}

function ownCommand(generator: string, port: string, durationMs: number): Command {
  const target = ['--server', `127.0.0.1:${port}`, '--names', 'a.example', '--sockets', 'fixed'];
  const pace = ['--rate', '0', '--duration-ms', String(durationMs)];
  return { argv: [process.execPath, generator, 'dns-pairs', ...target, ...pace] };
}

function ownCompleted(stdout: string): number {
  const end = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { total?: { ok: number } };
  return end.total?.ok ?? Number.NaN;
}

async function queriesPerCpuSecond(
  command: (durationMs: number) => Command,
  completed: (stdout: string) => number,
): Promise<number> {
  const short = await measured(command(START_MS), completed);
  const long = await measured(command(FULL_MS), completed);
  return (long.queries - short.queries) / (long.cpuSeconds - short.cpuSeconds);
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
