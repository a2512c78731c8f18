/** A control plane as files: its keys and every object as one, and its processes, where they can be saved, as others. */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from '../../core/command.ts';
import { hasCode, messageOf } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { dumpTree, restoreArgv, type Criu } from './checkpoint.ts';
import { CONTROL_PLANE_FOLDER, CONTROL_PLANE_LOGS } from './control-plane-place.ts';
import { PID_FILE } from './init-script.ts';
import type { ProcessTree } from './process-tree.ts';

export interface SavedControlPlane {
  /** A tar of its folder. */
  readonly files: string;
  /** Folder of CRIU's images. */
  readonly images: string;
  /** They could not be made everywhere. */
  readonly hasImages: boolean;
}

/** Beside the logs of its programs. */
export const RESTORE_LOG = 'criu-restore.log';
const PACK_MS = 60_000;

export function savedControlPlaneIn(folder: string): SavedControlPlane {
  const images = path.join(folder, 'control-plane.images');
  return {
    files: path.join(folder, 'control-plane.tar'),
    ...{ images, hasImages: existsSync(images) },
  };
}

/**
 * Nobody can change an object meanwhile. What etcd has written lies there whole whenever it stands still, so the files are
 * good without the processes, too: it survives a crash.
 */
export async function saveControlPlane(
  { tree, criu, say }: { tree: ProcessTree; criu: Criu | undefined; say: (line: string) => void },
  saved: SavedControlPlane,
): Promise<void> {
  const pack = packCommand(saved.files);
  if (criu !== undefined) {
    const log = path.join(CONTROL_PLANE_LOGS, 'criu-dump.log');
    try {
      await mkdir(saved.images);
      const how = { log, folder: CONTROL_PLANE_FOLDER, meanwhile: pack };
      await dumpTree(criu, { pid: tree.pid, into: saved.images, ...how });
      return;
    } catch (error) {
      await rm(saved.images, { recursive: true, force: true });
      if (hasCode(error, 'deadline')) {
        tree.kill('SIGKILL');
        throw error;
      }
      say(`the control plane will have to start again each time: ${messageOf(error)}`);
    }
  }
  await tree.still(() => runOrThrow(local, pack, { timeoutMs: PACK_MS, code: 'provision' }));
}

/** Most of it is room that etcd has taken for its log ahead. */
function packCommand(file: string): Command {
  const how = ['--sparse', '--hole-detection=raw', `--exclude=./${PID_FILE}`];
  const from = `--directory=${CONTROL_PLANE_FOLDER}`;
  return { argv: ['tar', '--create', ...how, `--file=${file}`, from, '.'] };
}

export async function unpackControlPlane(
  { files }: SavedControlPlane,
  signal: AbortSignal,
): Promise<void> {
  const argv = ['tar', '--extract', `--file=${files}`] as const;
  const into = `--directory=${CONTROL_PLANE_FOLDER}`;
  const limits = { timeoutMs: PACK_MS, signal, code: 'provision' } as const;
  await runOrThrow(local, { argv: [...argv, into] }, limits);
}

/** Once its files are there. */
export function goOnArgv(
  criu: Criu,
  { images }: SavedControlPlane,
): Promise<[string, ...string[]]> {
  return restoreArgv(criu, {
    from: images,
    log: path.join(CONTROL_PLANE_LOGS, RESTORE_LOG),
    pidFile: path.join(CONTROL_PLANE_FOLDER, PID_FILE),
  });
}
