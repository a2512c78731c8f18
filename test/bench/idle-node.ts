/** What a node costs its host while nothing is asked of it: one that is Ready, with kubelet, kube-proxy, CoreDNS and agent. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { local, startLocal } from '../../harness/exec/local.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { coresOf, processTree, type ProcessStat } from '../support/cpu-time.ts';
import type { Ratio } from './ratio.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PROGRAM = path.join(ROOT, 'dist/cli/main.js');
const LIMIT_MS = 900_000;
const SETTLE_MS = 20_000;
const MEASURE_MS = 60_000;
/** JSON is YAML. */
const SCENARIO = JSON.stringify({
  ...{ name: 'idle-node', why: 'what an idle node costs', nodes: 1 },
  ...{ needs: { ownKernel: true }, components: { kubernetes: '1.34.3' } },
  sampling: { every: '5s', rulesEvery: '5s' },
  phases: [{ name: 'idle', for: `${SETTLE_MS + MEASURE_MS + 30_000}ms` }],
  checks: { 'node-ready': {} },
});

export async function idleNode(): Promise<Ratio[]> {
  const build = ['npm', '--prefix', ROOT, 'run', '--silent', 'build'] as const;
  await runOrThrow(local, { argv: build }, { timeoutMs: LIMIT_MS });
  const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-bench-'));
  const scenario = path.join(folder, 'idle-node.yaml');
  writeFileSync(scenario, SCENARIO);
  const how = ['--provider', 'vm', '--reports', path.join(folder, 'reports')];
  const argv = [process.execPath, PROGRAM, 'run', scenario, ...how] as const;
  const run = startLocal({ argv });
  run.stdin.end();
  run.stdout.resume();
  try {
    await phaseOf(run);
    await delay(SETTLE_MS);
    const [machine, others] = await Promise.all(
      [isMachine, (one: ProcessStat) => !isMachine(one)].map((which) =>
        coresOf(
          () => sum(processTree(run.pid).filter(which)),
          () => delay(MEASURE_MS),
        ),
      ),
    );
    return [
      {
        name: 'idle node, cores of its host',
        value: machine ?? Number.NaN,
        unit: `QEMU of a Ready node, read each 5 s; the control plane and coalmine beside it ${others?.toFixed(3) ?? '?'}`,
      },
    ];
  } finally {
    run.kill('SIGTERM');
    await run.ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

const isMachine = ({ name }: ProcessStat): boolean => name.startsWith('qemu-system');

function sum(processes: readonly ProcessStat[]): number {
  return processes.reduce((total, { cpuMs }) => total + cpuMs, 0);
}

/** Resolves when its phase begins. Throws what it said where it ended before. */
function phaseOf(run: ReturnType<typeof startLocal>): Promise<void> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    createInterface({ input: run.stderr }).on('line', (line) => {
      said.push(line);
      if (line.startsWith('phase idle')) resolve();
    });
    void run.ended.then(() => {
      reject(new Error(`the run ended before its phase:\n${said.join('\n')}`));
    });
  });
}
