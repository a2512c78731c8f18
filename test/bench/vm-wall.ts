/**
 * What a saved machine saves: until its agent answers, against power-on; and how much longer a whole run on one machine
 * takes than a bare boot of the same kernel and disk. The room boots, saves and goes on; the run finds what a first run,
 * which is not measured, has saved. Not in the boot's share: the control plane, joining, CoreDNS, agents, reports.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monotonicMs } from '../../harness/core/clock.ts';
import { local } from '../../harness/exec/local.ts';
import { runMachineRoom } from '../support/run-machine-room.ts';
import type { SnapshotReport } from '../support/snapshot-room.ts';
import type { Ratio } from './ratio.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LIMITS = { timeoutMs: 900_000 };
/** pass, fail, inconclusive: the run came to its end. */
const JUDGED = [0, 1, 3];
const NODE = ['setpriv', '--pdeathsig', 'TERM', '--', process.execPath, '--import', 'tsx'] as const;
const PHASE_MS = 5_000;
/** JSON is YAML. */
const SCENARIO = JSON.stringify({
  ...{ name: 'vm-bench', why: 'what a run on one machine costs', nodes: 1 },
  ...{ needs: { ownKernel: true }, components: { kubernetes: '1.34.3' } },
  phases: [{ name: 'hold', for: `${PHASE_MS}ms` }],
  checks: { 'node-ready': {} },
});

export async function vmWall(): Promise<Ratio[]> {
  const { powerOnToAgentMs, restoreToAgentMs, restoreToUsableMs, ...room } = (await runMachineRoom(
    'snapshot-room.ts',
  )) as SnapshotReport;
  await runMs();
  const wallMs = await runMs();
  const size = `${(room.savedBytes / 1e6).toFixed(0)} MB`;
  return [
    {
      name: 'machine from snapshot ÷ cold',
      value: restoreToAgentMs / powerOnToAgentMs,
      goal: { atMost: 0.15 },
      unit: `until the agent answers: ${seconds(restoreToAgentMs)} ÷ ${seconds(powerOnToAgentMs)}; ${size}`,
    },
    {
      name: 'machine from snapshot usable, s',
      value: restoreToUsableMs / 1_000,
      goal: { atMost: 3 },
      unit: 'checked, running, with its own clock, name and addresses',
    },
    {
      name: 'verdict on vm ÷ bare boot',
      value: (wallMs - PHASE_MS) / powerOnToAgentMs,
      goal: { atMost: 2 },
      unit: `(${seconds(wallMs)} - phases ${seconds(PHASE_MS)}) ÷ ${seconds(powerOnToAgentMs)}`,
    },
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

async function runMs(): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-bench-'));
  try {
    const scenario = path.join(folder, 'vm-bench.yaml');
    writeFileSync(scenario, SCENARIO);
    const command = path.join(ROOT, 'harness/cli/main.ts');
    const run = ['run', scenario, '--provider', 'vm', '--reports', path.join(folder, 'reports')];
    const fromMs = monotonicMs();
    const { exitCode, stderr } = await local.run({ argv: [...NODE, command, ...run] }, LIMITS);
    const wallMs = monotonicMs() - fromMs;
    if (exitCode === null || !JUDGED.includes(exitCode))
      throw new Error(`the run ended with ${String(exitCode)}:\n${stderr}`);
    return wallMs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
