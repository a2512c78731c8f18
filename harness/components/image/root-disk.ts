/**
 * The root disk of machines: Debian, our units, the kubelet, and a containerd that holds every image already. What differs
 * between cells beside Kubernetes (kernel, irqbalance) is on the tools disk, so that one root disk serves many.
 */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Artifact, ComponentStore, StoreContext } from '../component.ts';
import { imageDigest, type ImageSpec } from './archive.ts';
import { makeDisk } from './disk-image.ts';
import { fillContainerd } from './fill-containerd.ts';

const SIZE_MIB = 4_096;

/** Name of the artifact; its version is that of Kubernetes. */
export const ROOT_DISK = 'vm-root';

export interface RootDiskParts {
  kubernetes: string;
  /** Tars, undermost first. */
  layers: readonly Artifact[];
  images: readonly ImageSpec[];
}

export function produceRootDisk(
  store: ComponentStore,
  { kubernetes, layers, images }: RootDiskParts,
  context: StoreContext,
): Promise<Artifact> {
  const held = images.flatMap((image) => [...image.names, imageDigest(image)]);
  return store.produce(
    {
      name: ROOT_DISK,
      version: kubernetes,
      inputs: ['vm-root 1', ...layers.map(({ digest }) => digest), ...held],
      needBytes: 8_000_000_000,
      aboutSeconds: 90,
      make: async (file, { signal }) => {
        demandRoot(process.getuid?.() === 0);
        const root = `${file}.root`;
        await mkdir(path.join(root, 'coalmine'), { recursive: true });
        for (const layer of layers) await unpack(layer, root, signal);
        await fillContainerd(root, images, signal);
        await rm(path.join(root, 'run/containerd'), { recursive: true, force: true });
        await makeDisk(root, file, { label: 'root', sizeMiB: SIZE_MIB }, signal);
        await rm(root, { recursive: true });
      },
    },
    context,
  );
}

/** Its files belong to many users. Once made, a disk serves everybody who can read it. */
export function demandRoot(isRoot: boolean): void {
  if (isRoot) return;
  throw new CoalmineError('component', 'only root can make the root disk of machines', {
    wayOut:
      'Let root make it once, and keep your cache: `sudo env HOME="$HOME" coalmine setup && sudo chown -R "$USER" ~/.cache/coalmine`.',
  });
}

async function unpack(layer: Artifact, root: string, signal: AbortSignal): Promise<void> {
  await runOrThrow(
    local,
    {
      argv: [
        ...([
          'tar',
          '--extract',
          '--numeric-owner',
          '--same-owner',
          '--preserve-permissions',
        ] as const),
        // A link of ours takes the place of an empty folder of Debian's, not the place behind its links.
        ...['--keep-directory-symlink', `--file=${layer.path}`, '--directory', root],
      ],
    },
    { timeoutMs: 300_000, signal, code: 'component' },
  );
}
