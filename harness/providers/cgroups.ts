/**
 * The control groups of a run. A killed engine leaves them, empty, in every hierarchy; they bear the run's name, so
 * they can be found and removed by it. Only empty groups can be removed: the kernel itself guards a living run.
 */
import { readdir, readFile, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { waitFor } from '../core/deadline.ts';
import { namesIn, runOfName } from './run-state.ts';

export interface RunCgroup {
  readonly runId: string;
  /** The group's folder in each hierarchy that has it. */
  readonly paths: string[];
}

/** Returns the mount points of all hierarchies, v1 and v2, from the text of /proc/self/mountinfo. */
export function parseCgroupMounts(mountinfo: string): string[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const type = right.split(' ')[0];
    const point = left.split(' ')[4];
    return (type === 'cgroup' || type === 'cgroup2') && point !== undefined ? [point] : [];
  });
}

export async function findRunCgroups(): Promise<RunCgroup[]> {
  const mounts = parseCgroupMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  const byRun = new Map<string, string[]>();
  for (const mount of mounts) {
    for (const name of await namesIn(mount)) {
      const runId = runOfName(name);
      if (runId === undefined) continue;
      byRun.set(runId, [...(byRun.get(runId) ?? []), path.join(mount, name)]);
    }
  }
  return [...byRun].map(([runId, paths]) => ({ runId, paths }));
}

/** Returns whether any process is in the group or below it. */
export async function hasProcesses(cgroup: RunCgroup): Promise<boolean> {
  for (const root of cgroup.paths)
    for (const folder of await foldersDeepestFirst(root)) {
      const procs = await readFile(path.join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
      if (procs.trim() !== '') return true;
    }
  return false;
}

/** Removes the groups, deepest first. A group empties a moment after its processes die, hence the wait. */
export async function removeCgroup(cgroup: RunCgroup, timeoutMs = 10_000): Promise<void> {
  await waitFor(
    { what: `cgroup ${cgroup.paths[0] ?? cgroup.runId} to become empty`, timeoutMs, everyMs: 50 },
    async () => {
      for (const root of cgroup.paths)
        for (const folder of await foldersDeepestFirst(root)) await rmdirIfThere(folder);
      return true;
    },
  );
}

async function foldersDeepestFirst(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [];
  const below: string[] = [];
  for (const entry of entries)
    if (entry.isDirectory())
      below.push(...(await foldersDeepestFirst(path.join(root, entry.name))));
  return [...below, root];
}

async function rmdirIfThere(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
}
