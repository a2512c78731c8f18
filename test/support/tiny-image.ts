/** A Docker image of a few megabytes made from this machine's own shell, so that engine tests need no registry. */
import { copyFile, mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { local } from '../../harness/exec/local.ts';
import { onPath } from '../../harness/exec/on-path.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';

const TOOLS = ['sh', 'sleep', 'cat', 'true', 'mkdir'] as const;
const LIMITS = { timeoutMs: 20_000 };

/** Makes `tiny.tar` in `folder`, for `docker import`; returns its path. */
export async function makeTinyImage(folder: string): Promise<string> {
  const root = path.join(folder, 'tiny');
  for (const tool of TOOLS) {
    const file = await onPath(tool);
    if (file === undefined) throw new Error(`${tool} is not on PATH`);
    await copyInto(root, file, `/bin/${tool}`);
    const linked = await runOrThrow(local, { argv: ['ldd', file] }, LIMITS);
    for (const [library] of linked.matchAll(/\/\S+/g)) await copyInto(root, library, library);
  }
  for (const name of ['proc', 'sys', 'dev', 'etc', 'tmp'])
    await mkdir(path.join(root, name), { recursive: true });
  const tar = path.join(folder, 'tiny.tar');
  await runOrThrow(local, { argv: ['tar', '-C', root, '-cf', tar, '.'] }, LIMITS);
  return tar;
}

async function copyInto(root: string, from: string, to: string): Promise<void> {
  await mkdir(path.dirname(path.join(root, to)), { recursive: true });
  await copyFile(await realpath(from), path.join(root, to));
}
