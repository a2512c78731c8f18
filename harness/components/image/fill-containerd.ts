/**
 * Puts images into the containerd of a root file system that lies in a folder: its own containerd runs on this machine,
 * in namespaces and a root of its own, so that a machine's first boot has nothing to import or unpack.
 */
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { waitFor, within } from '../../core/deadline.ts';
import { CoalmineError } from '../../core/errors.ts';
import { local, startLocal } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { writeArchive, type ImageSpec } from './archive.ts';

/** Of the folder; what it has in /dev, it has in the folder too. */
const NAMESPACES = ['--mount', '--pid', '--net', '--fork', '--kill-child', '--mount-proc'] as const;
const ARCHIVE = 'images.tar';
const CONFIG_FILE = 'import.toml';
const IMPORT_TIMEOUT_MS = 600_000;
/** Without the plug-in for Kubernetes: that looks for a network, and finds what is imported later, on the machine. */
const CONFIG = 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n';
const TAIL_CHARACTERS = 2_000;

export async function fillContainerd(
  root: string,
  images: readonly ImageSpec[],
  signal: AbortSignal,
): Promise<void> {
  const archive = path.join(root, ARCHIVE);
  await writeArchive(images, archive, signal);
  await writeFile(path.join(root, CONFIG_FILE), CONFIG);
  const containerd = startContainerd(root);
  try {
    const ctr = (...args: string[]) => ({ argv: ['chroot', root, 'ctr', ...args] as const });
    const answers = waitFor(
      { what: 'containerd to answer', timeoutMs: 60_000, everyMs: 100, signal },
      async () => {
        const answer = await local.run(ctr('version'), { timeoutMs: 10_000, signal });
        return answer.exitCode === 0 ? true : undefined;
      },
    );
    await Promise.race([answers, containerd.died]);
    await runOrThrow(local, ctr('--namespace', 'k8s.io', 'images', 'import', `/${ARCHIVE}`), {
      timeoutMs: IMPORT_TIMEOUT_MS,
      signal,
      code: 'component',
    });
  } finally {
    // Its database is whole only after it has ended by itself.
    await containerd.stop();
    for (const name of [ARCHIVE, CONFIG_FILE]) await rm(path.join(root, name), { force: true });
  }
}

function startContainerd(root: string) {
  const program = startLocal({
    argv: [
      ...(['unshare', ...NAMESPACES, `--root=${root}`] as const),
      ...['/usr/bin/containerd', '--config', `/${CONFIG_FILE}`],
    ],
  });
  let tail = '';
  const keep = (chunk: Buffer): void => {
    tail = `${tail}${chunk.toString()}`.slice(-TAIL_CHARACTERS);
  };
  program.stdout.on('data', keep);
  program.stderr.on('data', keep);
  const died = program.ended.then(({ exitCode }): never => {
    throw new CoalmineError(
      'component',
      `containerd of the root file system ended with exit code ${exitCode ?? '?'}\n${tail}`,
    );
  });
  // Its end is an error only while somebody waits for it.
  died.catch(() => undefined);
  return {
    died,
    async stop(): Promise<void> {
      program.kill('SIGTERM');
      try {
        await within('containerd to end', 30_000, program.ended);
      } finally {
        program.kill('SIGKILL');
      }
    },
  };
}
