/** A full disk for one process: its files end at a size, and a write takes what fits before the next one fails. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

/** Node.js ignores the signal that comes with it, so that writes fail with EFBIG where a disk would say ENOSPC. */
export function limitFiles(bytes: number | 'unlimited'): void {
  const argv = ['prlimit', `--fsize=${bytes}:`, '--pid', String(process.pid)] as const;
  const [program, ...rest] = argv;
  const { status, stderr } = spawnSync(program, rest, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}
