/**
 * What a killed engine left under its data-root, taken away without starting one: an engine would first start the old
 * containers again (kind gives them a restart policy). Only files of containers, volumes and networks go; images stay.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { namesIn } from '../run-state.ts';

/** Returns the names of containers and volumes; empty where nothing is left. */
export async function readResidue(dataRoot: string): Promise<string[]> {
  const names: string[] = [];
  for (const id of await foldersIn(path.join(dataRoot, 'containers')))
    names.push(`container ${await containerName(dataRoot, id)}`);
  for (const volume of await foldersIn(path.join(dataRoot, 'volumes')))
    names.push(`volume ${volume.slice(0, 12)}`);
  return names;
}

/** The slot's lock must be held. */
export async function removeResidue(dataRoot: string): Promise<void> {
  for (const id of await foldersIn(path.join(dataRoot, 'containers'))) {
    await removeLayers(dataRoot, id);
    await remove(dataRoot, 'containers', id);
  }
  // All that these hold belongs to containers; the engine makes them anew.
  for (const folder of ['volumes', 'network', 'containerd', 'tmp', 'runtimes'])
    await remove(dataRoot, folder);
}

/** A container's writable layer, in whichever storage driver's folder it is. */
async function removeLayers(dataRoot: string, id: string): Promise<void> {
  for (const driver of await foldersIn(path.join(dataRoot, 'image'))) {
    const record = path.join(dataRoot, 'image', driver, 'layerdb', 'mounts', id);
    const layer = await readText(path.join(record, 'mount-id'));
    if (layer !== undefined && /^[\w-]+$/.test(layer))
      for (const name of [layer, `${layer}-init`]) {
        const link = await readText(path.join(dataRoot, driver, name, 'link'));
        if (link !== undefined && /^\w+$/.test(link)) await remove(dataRoot, driver, 'l', link);
        await remove(dataRoot, driver, name);
        await remove(dataRoot, driver, 'dir', name);
      }
    await rm(record, { recursive: true, force: true });
  }
}

async function containerName(dataRoot: string, id: string): Promise<string> {
  const text = await readText(path.join(dataRoot, 'containers', id, 'config.v2.json'));
  try {
    const { Name } = JSON.parse(text ?? '{}') as { Name?: unknown };
    return typeof Name === 'string' ? Name.replace(/^\//, '') : id.slice(0, 12);
  } catch {
    return id.slice(0, 12); // killed while it was written
  }
}

async function foldersIn(folder: string): Promise<string[]> {
  if ((await namesIn(folder)).length === 0) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}

async function remove(...parts: string[]): Promise<void> {
  await rm(path.join(...parts), { recursive: true, force: true });
}
