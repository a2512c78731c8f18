/**
 * A layer of an image: a tar of a few files, made without root and without an engine. The same entries give the same
 * bytes (names sorted, times zero, owner root), so a layer's digest is its identity, in the cache and in each image.
 */
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Artifact, Production, StoreContext } from '../component.ts';
import { packTree } from '../pack-tree.ts';

/** One file of a layer; `to` is its absolute path in the image. */
export type LayerEntry = { to: string } & (
  | { artifact: Artifact; mode: number }
  | { text: string; mode: number }
  | { link: string }
  /** An empty folder that hides what the layers below have there. */
  | { emptied: true }
);

/** What identifies an entry, without its content where a digest says it. */
function describeEntry(entry: LayerEntry): string {
  if ('artifact' in entry) return `${entry.to} ${entry.mode.toString(8)} ${entry.artifact.digest}`;
  if ('text' in entry) return `${entry.to} ${entry.mode.toString(8)} ${sha256(entry.text)}`;
  if ('link' in entry) return `${entry.to} -> ${entry.link}`;
  return `${entry.to} emptied`;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function layerProduction(
  name: string,
  version: string,
  entries: readonly LayerEntry[],
  needBytes: number,
): Production {
  return {
    name: `layer-${name}`,
    version,
    inputs: ['layer 1', ...entries.map(describeEntry)],
    needBytes,
    aboutSeconds: 3,
    make: (file, context) => packLayer(entries, file, context),
  };
}

async function packLayer(
  entries: readonly LayerEntry[],
  file: string,
  context: StoreContext,
): Promise<void> {
  const root = `${file}.root`;
  for (const entry of entries) await stage(entry, path.join(root, entry.to));
  await packTree(root, file, context.signal);
  await rm(root, { recursive: true });
}

async function stage(entry: LayerEntry, target: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true, mode: 0o755 });
  if ('artifact' in entry) {
    await copyFile(entry.artifact.path, target);
    await chmod(target, entry.mode);
  } else if ('text' in entry) {
    await writeFile(target, entry.text);
    await chmod(target, entry.mode);
  } else if ('link' in entry) {
    await symlink(entry.link, target);
  } else {
    await mkdir(target, { recursive: true, mode: 0o755 });
    // The image format's own word for "nothing from below".
    await writeFile(path.join(target, '.wh..wh..opq'), '');
  }
}
