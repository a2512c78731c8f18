/**
 * How much longer a whole `upgrade-smoke` takes than what nobody can save: plain `kind create cluster` with the same node
 * image, until its nodes are Ready, and the phases' own lengths. kind is measured before and after, for the machine's
 * speed changes. Not in kind's share: the engine's start, images, agents, workload, load, reports, teardown.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monotonicMs } from '../../harness/core/clock.ts';
import { local } from '../../harness/exec/local.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { planFrom } from '../../harness/run/plan-from.ts';
import type { Ratio } from './ratio.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LIMITS = { timeoutMs: 1_200_000 };
/** pass, fail, inconclusive: the run came to its end. */
const JUDGED = [0, 1, 3];
/** When the bench dies, coalmine hears of it, and takes its cluster away. */
const NODE = ['setpriv', '--pdeathsig', 'TERM', '--', process.execPath, '--import', 'tsx'] as const;

export async function smokeWall(): Promise<Ratio[]> {
  const before = await plainKindMs();
  const wallMs = await smokeMs();
  const after = await plainKindMs();
  const kindMs = (before + after) / 2;
  const phasesMs = planFrom({ scenario: 'upgrade-smoke', set: [] })
    .plans.flatMap(({ phases }) => phases)
    .reduce((sum, { forMs }) => sum + forMs, 0);
  const [wall, kind, phases] = [wallMs, kindMs, phasesMs].map((ms) => (ms / 1_000).toFixed(0));
  const parts = [before, after].map((ms) => (ms / 1_000).toFixed(0)).join(' and ');
  return [
    {
      name: '`upgrade-smoke` ÷ what it must take',
      value: wallMs / (kindMs + phasesMs),
      goal: { atMost: 1.25 },
      unit: `${wall} s ÷ (plain kind ${kind} s, which is ${parts} + phases ${phases} s)`,
    },
  ];
}

/** The program leaves the cache warm, and says how long kind took. */
async function plainKindMs(): Promise<number> {
  const program = path.join(import.meta.dirname, 'plain-kind-program.ts');
  const said = await runOrThrow(local, { argv: [...NODE, program] }, LIMITS);
  const { createMs } = JSON.parse(said.trim().split('\n').at(-1) ?? '') as { createMs: number };
  return createMs;
}

async function smokeMs(): Promise<number> {
  const reports = mkdtempSync(path.join(tmpdir(), 'coalmine-bench-'));
  try {
    const command = path.join(ROOT, 'harness/cli/main.ts');
    const argv = [...NODE, command, 'run', 'upgrade-smoke', '--reports', reports] as const;
    const fromMs = monotonicMs();
    const { exitCode, stderr, stdout } = await local.run({ argv }, LIMITS);
    const wallMs = monotonicMs() - fromMs;
    if (exitCode === null || !JUDGED.includes(exitCode))
      throw new Error(`upgrade-smoke ended with ${String(exitCode)}:\n${stderr}`);
    console.error(stdout);
    return wallMs;
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
}
