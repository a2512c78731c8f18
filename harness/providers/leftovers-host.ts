/** What runs left on this machine outside any Docker engine: processes, cgroups, settings, folders, states. */
import { rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { waitFor } from '../core/deadline.ts';
import { findRunCgroups, processesIn, removeCgroup } from './cgroups.ts';
import { changedSysctls, restoreSysctl } from './host-sysctls.ts';
import type { Leftover } from './leftover.ts';
import { isAlive, type ProcessIdentity } from './process-identity.ts';
import {
  forgetRunState,
  isRunAlive,
  namesIn,
  runFolder,
  runOfName,
  stateFiles,
  type RunState,
} from './run-state.ts';

export async function findHostLeftovers(
  cacheDir: string,
  states: readonly RunState[],
): Promise<Leftover[]> {
  return [
    ...processes(states),
    ...(await cgroups(states)),
    ...(await sysctls(states)),
    ...(await folders(states)),
    ...(await stateLeftovers(cacheDir, states)),
  ];
}

/** By recorded pid and start time only. The controller itself is one only where its run is to be ended alive. */
function processes(states: readonly RunState[]): Leftover[] {
  return states.flatMap((state) => {
    const alive = isRunAlive(state);
    const own = state.controller.pid === process.pid && alive;
    return [...(own ? [] : [state.controller]), state.namespaces]
      .filter((identity) => identity !== undefined)
      .filter(isAlive)
      .map((identity) => ({
        kind: 'process' as const,
        name: String(identity.pid),
        runId: state.runId,
        alive,
        remove: () => kill(identity),
      }));
  });
}

async function kill(identity: ProcessIdentity): Promise<void> {
  await waitFor(
    { what: `process ${identity.pid} to end`, timeoutMs: 10_000, everyMs: 20 },
    async () => {
      if (!isAlive(identity)) return true;
      process.kill(identity.pid, 'SIGKILL');
      return Promise.resolve(undefined);
    },
  );
}

async function cgroups(states: readonly RunState[]): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const cgroup of await findRunCgroups()) {
    const state = states.find(({ runId }) => runId === cgroup.runId);
    found.push({
      kind: 'cgroup',
      name: cgroup.paths[0] ?? '',
      runId: cgroup.runId,
      // Without a memory of the run, processes in its group are the only sign of life.
      alive: state === undefined ? (await processesIn(cgroup)).length > 0 : isRunAlive(state),
      remove: () => removeCgroup(cgroup),
    });
  }
  return found;
}

/** Only once no run lives any more: a living one still needs what its kubelets set. */
async function sysctls(states: readonly RunState[]): Promise<Leftover[]> {
  const found = new Map<string, Leftover>();
  for (const state of states) {
    const busy = states.some((other) => other.runId !== state.runId && isRunAlive(other));
    if (busy) continue;
    for (const name of await changedSysctls(state.sysctls))
      found.set(name, {
        kind: 'sysctl',
        name,
        runId: state.runId,
        alive: isRunAlive(state),
        remove: () => restoreSysctl(name, state.sysctls[name] ?? ''),
      });
  }
  return [...found.values()];
}

/** A folder counts only where a state vouches for it: others may use the same prefix in a shared folder. */
async function folders(states: readonly RunState[]): Promise<Leftover[]> {
  const names = await namesIn(tmpdir());
  return names.flatMap((name) => {
    const state = states.find(({ runId }) => runId === runOfName(name));
    if (state === undefined) return [];
    const folder = path.join(tmpdir(), name);
    return [
      {
        kind: 'folder' as const,
        name: folder,
        runId: state.runId,
        alive: isRunAlive(state),
        remove: () => rm(runFolder(state.runId), { recursive: true, force: true }),
      },
    ];
  });
}

async function stateLeftovers(cacheDir: string, states: readonly RunState[]): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const state of states) {
    const file = stateFiles(cacheDir, state.runId)[0] ?? '';
    // The copy in the folder goes with the folder.
    if ((await stat(file).catch(() => undefined)) === undefined) continue;
    found.push({
      kind: 'state',
      name: file,
      runId: state.runId,
      alive: isRunAlive(state),
      remove: () => forgetRunState(cacheDir, state.runId),
    });
  }
  return found;
}
