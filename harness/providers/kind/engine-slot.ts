/**
 * Where private engines keep their images. Loading a node image takes longer than starting an engine, so the data
 * outlives the run, in a small pool of slots; a lock that the kernel holds gives each run a slot of its own.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import { acquire } from '../../components/lock.ts';
import { namesIn } from '../run-state.ts';

const SLOTS_MAX = 8;

export interface Slot {
  readonly number: number;
  readonly dataRoot: string;
  release(): Promise<void>;
}

/** Takes the first free slot for a run, so that the one with the most images is used most. */
export async function takeSlot(
  cacheDir: string,
  runId: string,
  signal: AbortSignal,
): Promise<Slot> {
  for (let number = 0; number < SLOTS_MAX; number += 1) {
    const slot = await trySlot(cacheDir, number, signal);
    if (slot === undefined) continue;
    // Into the locked file itself: what is in the slot from now on is this run's.
    await writeFile(lockFile(slot.dataRoot), `${runId}\n`);
    return slot;
  }
  throw new CoalmineError('preflight', `${SLOTS_MAX} runs use a private Docker engine already`, {
    wayOut: 'wait until one of them has ended',
  });
}

/** Returns undefined where a living run has the slot. */
export async function trySlot(
  cacheDir: string,
  number: number,
  signal: AbortSignal,
): Promise<Slot | undefined> {
  const dataRoot = path.join(slotsFolder(cacheDir), String(number));
  await mkdir(dataRoot, { recursive: true, mode: 0o710 });
  const holder = await acquire(lockFile(dataRoot), 'try', signal);
  if (holder === undefined) return undefined;
  return {
    number,
    dataRoot,
    release: async () => {
      holder.stdin.end();
      await holder.ended;
    },
  };
}

/** Returns the run that used a slot last; undefined where nobody said so. */
export async function lastUserOf(cacheDir: string, number: number): Promise<string | undefined> {
  const file = lockFile(path.join(slotsFolder(cacheDir), String(number)));
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim() === '' ? undefined : text.trim();
}

function lockFile(dataRoot: string): string {
  return `${dataRoot}.lock`;
}

/** Returns the numbers of all slots that were ever used. */
export async function listSlots(cacheDir: string): Promise<number[]> {
  const names = await namesIn(slotsFolder(cacheDir));
  return names.filter((name) => /^\d$/.test(name)).map(Number);
}

export function slotsFolder(cacheDir: string): string {
  return path.join(cacheDir, 'docker');
}
