/** How long a user waits for `coalmine --help`, against Node.js itself: the built package, the two by turns. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { monotonicMs } from '../../harness/core/clock.ts';
import { local } from '../../harness/exec/local.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { median, type Ratio } from './ratio.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const ROUNDS = 15;

export async function helpWall(): Promise<Ratio[]> {
  const build = path.join(ROOT, 'scripts/build.js');
  await runOrThrow(local, { argv: [process.execPath, build] }, { timeoutMs: 300_000 });
  const command = path.join(ROOT, 'dist/cli/main.js');
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    theirs.push(wallMs(['-e', '0']));
    ours.push(wallMs([command, '--help']));
  }
  const unit = `median wall time of ${ROUNDS}: ${median(ours).toFixed(0)} ms ÷ ${median(theirs).toFixed(0)} ms`;
  return [
    {
      name: '`coalmine --help` ÷ `node -e 0`',
      value: median(ours) / median(theirs),
      goal: { atMost: 3 },
      unit,
    },
  ];
}

function wallMs(args: readonly string[]): number {
  const fromMs = monotonicMs();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore', timeout: 60_000 });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${String(status)}`);
  return monotonicMs() - fromMs;
}
