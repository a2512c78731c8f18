/**
 * The control groups of a run. A killed engine leaves them, empty, in every hierarchy; they bear the run's name, so
 * they can be found and removed by it, with whatever is still frozen inside.
 */
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
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

/** Returns the processes in the group and below it. */
export async function processesIn(cgroup: RunCgroup): Promise<number[]> {
  const pids = new Set<number>();
  for (const root of cgroup.paths)
    for (const folder of await foldersDeepestFirst(root)) {
      const procs = await readFile(path.join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
      for (const pid of procs.split('\n').map(Number)) if (pid > 0) pids.add(pid);
    }
  return [...pids];
}

/** What undoes a freeze, by the file that does it: the freezer of v1, and v2. */
const THAW = { 'freezer.state': 'THAWED', 'cgroup.freeze': '0' } as const;

/**
 * Lets frozen processes run on. A paused container of v1 takes no signal, not even SIGKILL: it would outlive the run,
 * and the end of its pid namespace would wait for it for ever.
 */
export async function thawCgroup(cgroup: RunCgroup): Promise<void> {
  for (const root of cgroup.paths)
    for (const folder of await foldersDeepestFirst(root))
      for (const [file, value] of Object.entries(THAW))
        // A hierarchy without this file has no freezer, and a group may go while we look.
        await writeFile(path.join(folder, file), value, { flag: 'r+' }).catch(() => undefined);
}

/**
 * Ends what still runs in the groups and removes them, deepest first. A group empties a moment after its processes die,
 * hence the wait.
 */
export async function removeCgroup(cgroup: RunCgroup, timeoutMs = 10_000): Promise<void> {
  await waitFor(
    { what: `cgroup ${cgroup.paths[0] ?? cgroup.runId} to become empty`, timeoutMs, everyMs: 50 },
    async () => {
      for (const pid of await processesIn(cgroup)) killIfThere(pid);
      await thawCgroup(cgroup);
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

/** Membership of a group that bears the run's name is what identifies it: a pid alone would not. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function rmdirIfThere(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
}
