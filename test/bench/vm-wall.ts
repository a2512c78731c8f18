/**
 * What a saved cluster saves: a cell on one machine that goes on from one, against a cell that makes everything, by the runs'
 * own clocks, as a matrix has one after the other; the same of the whole command, and until there was a cluster (what comes
 * after is the same work in both). And the whole command against a bare boot of the same kernel and disk, until the agent
 * answers. The phases' own length is taken off each. A run that is not measured saves the cluster, another reads all of it
 * for the first time. Each is done three times, and the median counts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { monotonicMs } from '../../harness/core/clock.ts';
import { within } from '../../harness/core/deadline.ts';
import type { RunResult } from '../../harness/core/result.ts';
import { local, startLocal } from '../../harness/exec/local.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { runMachineRoom } from '../support/run-machine-room.ts';
import type { BootReport } from '../support/boot-room.ts';
import { median, type Ratio } from './ratio.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Compiled, as users have it. */
const PROGRAM = path.join(ROOT, 'dist/cli/main.js');
const LIMIT_MS = 900_000;
/** pass, fail, inconclusive: the run came to its end. */
const JUDGED = [0, 1, 3];
const NODE = ['setpriv', '--pdeathsig', 'TERM', '--', process.execPath] as const;
const PHASE_MS = 5_000;
const ROUNDS = 3;
/** JSON is YAML. */
const SCENARIO = JSON.stringify({
  ...{ name: 'vm-bench', why: 'what a run on one machine costs', nodes: 1 },
  ...{ needs: { ownKernel: true }, components: { kubernetes: '1.34.3' } },
  phases: [{ name: 'hold', for: `${PHASE_MS}ms` }],
  checks: { 'node-ready': {} },
});

export async function vmWall(): Promise<Ratio[]> {
  await runOrThrow(
    local,
    { argv: ['npm', '--prefix', ROOT, 'run', '--silent', 'build'] },
    {
      timeoutMs: LIMIT_MS,
    },
  );
  const bootMs = await medianOf(bootOnceMs);
  const cold = await medianOfRuns({ COALMINE_SNAPSHOTS: 'off' });
  await runOnce();
  await runOnce();
  const saved = await medianOfRuns();
  return [
    {
      name: 'cell from a saved cluster ÷ cold',
      value: saved.cellMs / cold.cellMs,
      goal: { atMost: 0.15 },
      unit: `without phases: ${seconds(saved.cellMs)} ÷ ${seconds(cold.cellMs)}`,
    },
    {
      name: 'whole command, saved ÷ cold',
      value: saved.ms / cold.ms,
      unit: `without phases: ${seconds(saved.ms)} ÷ ${seconds(cold.ms)}`,
    },
    {
      name: 'cluster that serves, saved ÷ cold',
      value: saved.servesMs / cold.servesMs,
      unit: `from the command on: ${seconds(saved.servesMs)} ÷ ${seconds(cold.servesMs)}`,
    },
    {
      name: 'verdict on vm ÷ bare boot',
      value: saved.ms / bootMs,
      goal: { atMost: 2 },
      unit: `without phases: ${seconds(saved.ms)} ÷ ${seconds(bootMs)}`,
    },
  ];
}

async function medianOf(once: () => Promise<number>): Promise<number> {
  const rounds: number[] = [];
  while (rounds.length < ROUNDS) rounds.push(await once());
  return median(rounds);
}

async function medianOfRuns(env: Record<string, string> = {}): Promise<RunTimes> {
  const runs: RunTimes[] = [];
  while (runs.length < ROUNDS) runs.push(await runOnce(env));
  const of = (what: keyof RunTimes): number => median(runs.map((run) => run[what]));
  return { ms: of('ms'), cellMs: of('cellMs'), servesMs: of('servesMs') };
}

async function bootOnceMs(): Promise<number> {
  return ((await runMachineRoom('boot-room.ts')) as BootReport).powerOnToAgentMs;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

interface RunTimes {
  /** The whole command, without the phase. */
  ms: number;
  /** As its verdict says, without the phase. */
  cellMs: number;
  /** From the start of the command until it says that its cluster serves. */
  servesMs: number;
}

async function runOnce(env: Record<string, string> = {}): Promise<RunTimes> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-bench-'));
  try {
    const scenario = path.join(folder, 'vm-bench.yaml');
    writeFileSync(scenario, SCENARIO);
    const how = ['--json', '--provider', 'vm', '--reports', path.join(folder, 'reports')];
    const run = ['run', scenario, ...how];
    const fromMs = monotonicMs();
    const child = startLocal({ argv: [...NODE, PROGRAM, ...run], env });
    child.stdin.end();
    const verdict = text(child.stdout);
    const said: string[] = [];
    let servesMs = Number.NaN;
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      if (line.includes('CoreDNS serves')) servesMs = monotonicMs() - fromMs;
    });
    const { exitCode } = await within('a run to end', LIMIT_MS, child.ended);
    const wallMs = monotonicMs() - fromMs;
    if (exitCode === null || !JUDGED.includes(exitCode))
      throw new Error(`the run ended with ${String(exitCode)}:\n${said.join('\n')}`);
    const { durationMs } = JSON.parse(await verdict) as RunResult;
    return { ms: wallMs - PHASE_MS, cellMs: durationMs - PHASE_MS, servesMs };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
