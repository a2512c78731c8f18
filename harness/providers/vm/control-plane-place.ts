/**
 * Where a control plane has its files: keys, kubeconfigs, etcd's data, logs. It is the same place in every run, because one
 * that goes on from a saved one has files open there; no two meet, because it is seen inside of a run's namespaces only.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { INSIDE_FOLDER } from '../inside.ts';

const LIMITS = { timeoutMs: 10_000, code: 'provision' } as const;

/** In memory, which etcd likes. */
export const CONTROL_PLANE_FOLDER = path.join(INSIDE_FOLDER, 'control-plane');
/** What lies there is in the run's own folder of logs, and stays. */
export const CONTROL_PLANE_LOGS = path.join(CONTROL_PLANE_FOLDER, 'logs');

/** @param logs folder of the run's; made where it is not there */
export async function takePlace(logs: string): Promise<void> {
  await mkdir(CONTROL_PLANE_LOGS, { recursive: true, mode: 0o700 });
  await mkdir(logs, { recursive: true });
  const argv = ['mount', '--bind', logs, CONTROL_PLANE_LOGS] as const;
  await runOrThrow(local, { argv }, LIMITS);
}

/** Of everything but the logs. */
export async function emptyPlace(): Promise<void> {
  for (const name of await readdir(CONTROL_PLANE_FOLDER)) {
    const entry = path.join(CONTROL_PLANE_FOLDER, name);
    if (entry !== CONTROL_PLANE_LOGS) await rm(entry, { recursive: true });
  }
}

/** Idempotent. Lazily: what ended has its files open for a moment more. */
export async function leavePlace(): Promise<void> {
  const mounted = ['mountpoint', '--quiet', CONTROL_PLANE_LOGS] as const;
  if ((await local.run({ argv: mounted }, LIMITS)).exitCode === 0)
    await runOrThrow(local, { argv: ['umount', '--lazy', CONTROL_PLANE_LOGS] }, LIMITS);
  await rm(CONTROL_PLANE_FOLDER, { recursive: true, force: true });
}
