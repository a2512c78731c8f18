/** Collects where and how a run was started (core/environment.ts). */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Environment } from '../core/environment.ts';

export interface StartFacts {
  startedAt: string;
  argv: readonly string[];
  /** coalmine's own version, from its package.json. */
  version: string;
  /** The folder that holds coalmine's package.json. */
  packageRoot: string;
}

export function describeEnvironment(facts: StartFacts): Environment {
  return {
    version: 1,
    startedAt: facts.startedAt,
    argv: [...facts.argv],
    coalmine: { version: facts.version, commit: readCommit(facts.packageRoot) },
    host: {
      kernel: os.release(),
      arch: os.arch(),
      cpus: os.availableParallelism(),
      memoryMiB: Math.round(os.totalmem() / 2 ** 20),
      node: process.version,
    },
  };
}

/** Reads git's own files, because a fact for the report is not worth a dependency on the git command. */
export function readCommit(root: string): string | null {
  const gitDir = path.join(root, '.git');
  const head = readText(path.join(gitDir, 'HEAD'));
  if (head === undefined) return null;
  const ref = /^ref: (\S+)$/.exec(head)?.[1];
  if (ref === undefined) return asCommit(head);
  const loose = readText(path.join(gitDir, ref));
  if (loose !== undefined) return asCommit(loose);
  const packed = readText(path.join(gitDir, 'packed-refs')) ?? '';
  const line = packed.split('\n').find((text) => text.endsWith(` ${ref}`));
  return asCommit(line?.split(' ')[0] ?? '');
}

function asCommit(text: string): string | null {
  return /^[0-9a-f]{40,64}$/.test(text) ? text : null;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
