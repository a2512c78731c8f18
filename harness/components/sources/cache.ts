/** What is in the cache already, after a cheap look whether it is still whole. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { CacheFolder } from '../cache-folder.ts';
import type { Artifact } from '../component.ts';
import { sha256OfFile, sha256OfInputs } from '../digest.ts';
import { damageOf, readManifest, type Manifest } from '../manifest.ts';

/** What an artifact is known by before it exists. */
export interface Slot {
  name: string;
  version: string;
  inputs: readonly string[];
}

export interface Stored {
  artifact: Artifact;
  manifest: Manifest;
}

/** Returns the name of the folder of an artifact: readable for people, exact by the hash of its inputs. */
export function slotFolder({ name, version, inputs }: Slot): string {
  const key = sha256OfInputs([name, version, ...inputs]).slice(0, 16);
  return `${name}-${version.replaceAll(/[^\w.+-]/g, '_')}-${key}`;
}

/** Returns undefined where it is not there or is damaged. */
export async function lookUp(cache: CacheFolder, slot: Slot): Promise<Stored | undefined> {
  const stored = await readStored(path.join(cache.artifacts, slotFolder(slot)));
  if (stored === undefined) return undefined;
  return (await damageOf(stored.artifact.path, stored.manifest)) === undefined ? stored : undefined;
}

export async function listStored(cache: CacheFolder): Promise<Stored[]> {
  const names = await readdir(cache.artifacts).catch(() => []);
  const all = await Promise.all(names.map((name) => readStored(path.join(cache.artifacts, name))));
  return all.filter((stored) => stored !== undefined);
}

async function readStored(folder: string): Promise<Stored | undefined> {
  const manifest = await readManifest(folder);
  if (manifest === undefined) return undefined;
  const { name, version, digest } = manifest;
  return { artifact: { name, version, digest, path: path.join(folder, name) }, manifest };
}

/** Reads every file of the cache again and says what is wrong with which artifact. */
export async function verifyStored(
  cache: CacheFolder,
): Promise<{ artifact: Artifact; problem: string }[]> {
  const problems = [];
  for (const { artifact, manifest } of await listStored(cache)) {
    const problem =
      (await damageOf(artifact.path, manifest)) ?? (await digestDamage(artifact, manifest));
    if (problem !== undefined) problems.push({ artifact, problem });
  }
  return problems;
}

async function digestDamage(artifact: Artifact, manifest: Manifest): Promise<string | undefined> {
  if (manifest.kind === 'folder') return undefined;
  const digest = await sha256OfFile(artifact.path);
  return digest === manifest.digest
    ? undefined
    : `has the sha256 ${digest} instead of ${manifest.digest}`;
}
