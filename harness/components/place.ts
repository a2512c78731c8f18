/** Puts an artifact into the cache: one maker at a time across processes, made aside, sealed with a manifest, moved in whole. */
import { chmod, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { monotonicMs } from '../core/clock.ts';
import type { CacheFolder } from './cache-folder.ts';
import type { Artifact, StoreContext } from './component.ts';
import { sha256OfFile, sha256OfInputs } from './digest.ts';
import { withLock } from './lock.ts';
import { MANIFEST_FILE, writeManifest, type Manifest } from './manifest.ts';
import { lookUp, slotFolder, type Slot } from './sources/cache.ts';

/** What a maker says about the thing that it put in place. */
export type Origin = Pick<Manifest, 'source' | 'origin' | 'toolchain' | 'build'>;

export interface Placement {
  cache: CacheFolder;
  slot: Slot;
  /** Whether a whole one that somebody else made while we waited may be taken. */
  mayReuse: boolean;
  context: StoreContext;
  /** Makes a file or a folder at `target`; what it leaves beside it is thrown away. */
  make: (target: string) => Promise<Origin>;
}

export async function placeArtifact(placement: Placement): Promise<Artifact> {
  const { cache, slot, context } = placement;
  const folder = slotFolder(slot);
  const lock = path.join(cache.locks, `${folder}.lock`);
  return await withLock(lock, `getting ${slot.name} ${slot.version}`, context, async () => {
    const found = placement.mayReuse ? await lookUp(cache, slot) : undefined;
    if (found !== undefined) return found.artifact;
    // The name is fixed: what a killed maker left is found and removed by the next one, who holds the lock.
    const partial = path.join(cache.partial, folder);
    await removeAll(partial);
    await mkdir(partial, { recursive: true });
    try {
      return await makeAndMove(placement, partial, path.join(cache.artifacts, folder));
    } finally {
      await removeAll(partial);
    }
  });
}

async function makeAndMove(
  { slot, make, context }: Placement,
  partial: string,
  place: string,
): Promise<Artifact> {
  const startMs = monotonicMs();
  // A new name each time: children that outlived a killed maker must not write into the work of the next one.
  const made = path.join(await mkdtemp(path.join(partial, 'work-')), slot.name);
  const origin = await make(made);
  context.signal.throwIfAborted();
  const sealed = path.join(partial, 'sealed');
  await mkdir(sealed);
  await rename(made, path.join(sealed, slot.name));
  const facts = await factsOf(path.join(sealed, slot.name), slot);
  await writeManifest(sealed, {
    format: 1,
    name: slot.name,
    version: slot.version,
    ...facts,
    ...origin,
    madeAt: new Date().toISOString(),
    tookSeconds: Math.round((monotonicMs() - startMs) / 1_000),
    inputs: [...slot.inputs],
  });
  await removeAll(place);
  await mkdir(path.dirname(place), { recursive: true });
  await rename(sealed, place);
  const { name, version } = slot;
  return { name, version, digest: facts.digest, path: path.join(place, name) };
}

async function factsOf(
  file: string,
  slot: Slot,
): Promise<Pick<Manifest, 'kind' | 'digest' | 'sizeBytes'>> {
  const found = await stat(file);
  if (found.isDirectory())
    return { kind: 'folder', digest: sha256OfInputs(slot.inputs), sizeBytes: 0 };
  return { kind: 'file', digest: await sha256OfFile(file), sizeBytes: found.size };
}

/** The manifest goes first, so that a folder whose removal is interrupted is not taken for a whole one. */
export async function removeAll(folder: string): Promise<void> {
  await rm(path.join(folder, MANIFEST_FILE), { force: true });
  await rm(folder, { recursive: true, force: true });
}

export async function makeExecutable(file: string): Promise<void> {
  await chmod(file, 0o755);
}
