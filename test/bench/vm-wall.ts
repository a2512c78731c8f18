/**
 * What a saved cluster saves: a run on one machine that goes on from one, against a run that makes everything; and against
 * a bare boot of the same kernel and disk, until the agent answers. The phases' own length is taken off each. A run that
 * is not measured saves the cluster. What takes seconds is done three times, and the median counts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monotonicMs } from '../../harness/core/clock.ts';
import { local } from '../../harness/exec/local.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { runMachineRoom } from '../support/run-machine-room.ts';
import type { BootReport } from '../support/boot-room.ts';
import { median, type Ratio } from './ratio.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Compiled, as users have it. */
const PROGRAM = path.join(ROOT, 'dist/cli/main.js');
const LIMITS = { timeoutMs: 900_000 };
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
  await runOrThrow(local, { argv: ['npm', '--prefix', ROOT, 'run', '--silent', 'build'] }, LIMITS);
  const bootMs = await medianOf(bootOnceMs);
  const coldMs = (await runMs({ COALMINE_SNAPSHOTS: 'off' })) - PHASE_MS;
  await runMs();
  const savedMs = (await medianOf(() => runMs())) - PHASE_MS;
  return [
    {
      name: 'run from a saved cluster ÷ cold',
      value: savedMs / coldMs,
      goal: { atMost: 0.15 },
      unit: `without phases: ${seconds(savedMs)} ÷ ${seconds(coldMs)}`,
    },
    {
      name: 'verdict on vm ÷ bare boot',
      value: savedMs / bootMs,
      goal: { atMost: 2 },
      unit: `without phases: ${seconds(savedMs)} ÷ ${seconds(bootMs)}`,
    },
  ];
}

async function medianOf(once: () => Promise<number>): Promise<number> {
  const rounds: number[] = [];
  while (rounds.length < ROUNDS) rounds.push(await once());
  return median(rounds);
}

async function bootOnceMs(): Promise<number> {
  return ((await runMachineRoom('boot-room.ts')) as BootReport).powerOnToAgentMs;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

async function runMs(env: Record<string, string> = {}): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-bench-'));
  try {
    const scenario = path.join(folder, 'vm-bench.yaml');
    writeFileSync(scenario, SCENARIO);
    const run = ['run', scenario, '--provider', 'vm', '--reports', path.join(folder, 'reports')];
    const fromMs = monotonicMs();
    const { exitCode, stderr } = await local.run({ argv: [...NODE, PROGRAM, ...run], env }, LIMITS);
    const wallMs = monotonicMs() - fromMs;
    if (exitCode === null || !JUDGED.includes(exitCode))
      throw new Error(`the run ended with ${String(exitCode)}:\n${stderr}`);
    return wallMs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
