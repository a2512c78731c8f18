/**
 * Images as one archive that `docker load` and `ctr images import` both read (the format of `docker save`). Layers that
 * several images share are in it once.
 */
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Artifact } from '../component.ts';
import { sha256 } from './layer.ts';

export interface ImageSpec {
  /** Full names with tag, all of the same content. */
  names: readonly string[];
  /** Undermost first; each is the artifact of one uncompressed tar, so its digest is the layer's DiffID. */
  layers: readonly Artifact[];
  entrypoint?: readonly string[];
  env?: readonly string[];
  stopSignal?: string;
}

/** Returns what the image is, whatever its names are: sha256 of its configuration, which holds the layers' digests. */
export function imageDigest(image: ImageSpec): string {
  return sha256(imageConfig(image));
}

/** The OCI image configuration; without a date, so that the same layers are the same image. */
export function imageConfig(image: ImageSpec): string {
  return JSON.stringify({
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: 'linux',
    config: {
      Env: image.env ?? ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      ...(image.entrypoint === undefined ? {} : { Entrypoint: image.entrypoint }),
      ...(image.stopSignal === undefined ? {} : { StopSignal: image.stopSignal }),
    },
    rootfs: { type: 'layers', diff_ids: image.layers.map((layer) => `sha256:${layer.digest}`) },
  });
}

const ARCHITECTURES: Partial<Record<string, string>> = { x64: 'amd64' };

/** Writes the archive `file`; `file` + `.parts` is used in between. */
export async function writeArchive(
  images: readonly ImageSpec[],
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const parts = `${file}.parts`;
  await mkdir(parts, { recursive: true });
  try {
    for (const layer of new Map(
      images.flatMap((image) => image.layers).map((layer) => [layer.digest, layer]),
    ).values())
      // Not a hard link: that changes the inode, which another run's tar may be reading at this moment.
      await symlink(layer.path, path.join(parts, `${layer.digest}.tar`));
    for (const image of images)
      await writeFile(path.join(parts, `${imageDigest(image)}.json`), imageConfig(image));
    await writeFile(path.join(parts, 'manifest.json'), JSON.stringify(images.map(manifestEntry)));
    await runOrThrow(
      local,
      { argv: ['tar', '--create', '--dereference', `--file=${file}`, '--directory', parts, '.'] },
      { timeoutMs: 300_000, signal },
    );
  } finally {
    await rm(parts, { recursive: true, force: true });
  }
}

function manifestEntry(image: ImageSpec) {
  return {
    Config: `${imageDigest(image)}.json`,
    RepoTags: image.names,
    Layers: image.layers.map((layer) => `${layer.digest}.tar`),
  };
}
