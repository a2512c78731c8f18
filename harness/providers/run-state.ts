/**
 * What `clean` must know about a run that can no longer speak: who drove it and what it made. Written before anything
 * is made, in two places (the cache and the run's temporary folder), so that losing either loses nothing.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { identifyProcess, isAlive, processIdentitySchema } from './process-identity.ts';

const runStateSchema = z.strictObject({
  version: z.literal(1),
  runId: z.string(),
  startedAt: z.string(),
  /** The process whose life is the run's life. */
  controller: processIdentitySchema,
  /** The process that holds the namespaces of a private engine; its end ends everything inside. */
  namespaces: processIdentitySchema.optional(),
  /** What reaches the user's engine; absent for a private one. */
  engineEnv: z.record(z.string(), z.string()).optional(),
  /** Host-wide kernel settings as they were before any living run began. */
  sysctls: z.record(z.string(), z.string()),
});
export type RunState = z.infer<typeof runStateSchema>;

const PREFIX = 'coalmine-';

/** Name of everything on this machine that belongs to a run: cgroup, temporary folder, kind cluster. */
export function nameOfRun(runId: string): string {
  return `${PREFIX}${runId}`;
}

/** Returns the run id in such a name, or undefined. */
export function runOfName(name: string): string | undefined {
  return name.startsWith(PREFIX) && name.length > PREFIX.length
    ? name.slice(PREFIX.length)
    : undefined;
}

/** The run's only temporary folder; mode 0700. */
export function runFolder(runId: string): string {
  return path.join(tmpdir(), nameOfRun(runId));
}

export function stateFiles(cacheDir: string, runId: string): string[] {
  return [path.join(cacheDir, 'state', `${runId}.json`), path.join(runFolder(runId), 'state.json')];
}

export function newRunState(
  runId: string,
  sysctls: Record<string, string>,
  engineEnv?: Record<string, string>,
): RunState {
  const controller = identifyProcess(process.pid);
  if (controller === undefined) throw new Error('/proc does not know this process');
  return {
    version: 1,
    runId,
    startedAt: new Date().toISOString(),
    controller,
    sysctls,
    ...(engineEnv === undefined ? {} : { engineEnv }),
  };
}

/** Replaces both copies at once each, so that a crash leaves the old one or the new one. */
export async function writeRunState(cacheDir: string, state: RunState): Promise<void> {
  for (const file of stateFiles(cacheDir, state.runId)) {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
}

export async function forgetRunState(cacheDir: string, runId: string): Promise<void> {
  for (const file of stateFiles(cacheDir, runId)) await rm(file, { force: true });
}

/** Returns every run that this machine remembers, from either copy. A damaged file is a run without memory. */
export async function readRunStates(cacheDir: string): Promise<RunState[]> {
  const cached = await namesIn(path.join(cacheDir, 'state'));
  const folders = await namesIn(tmpdir());
  const files = [
    ...cached
      .filter((name) => name.endsWith('.json'))
      .map((name) => path.join(cacheDir, 'state', name)),
    ...folders
      .filter((name) => runOfName(name) !== undefined)
      .map((name) => path.join(tmpdir(), name, 'state.json')),
  ];
  const states = new Map<string, RunState>();
  for (const file of files) {
    const state = await readState(file);
    if (state !== undefined && !states.has(state.runId)) states.set(state.runId, state);
  }
  return [...states.values()];
}

export function isRunAlive(state: RunState): boolean {
  return isAlive(state.controller);
}

async function readState(file: string): Promise<RunState | undefined> {
  try {
    return runStateSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
