/** Whether machines have a root disk to boot from, or whoever asks can make one. */
import { demandRoot, ROOT_DISK } from '../components/image/root-disk.ts';
import { rootfsName } from '../components/image/rootfs.ts';
import { createStore } from '../components/store.ts';
import { CoalmineError } from '../core/errors.ts';
import { onPath } from '../exec/on-path.ts';

interface Asker {
  isRoot: boolean;
  /** As PATH. */
  search?: string;
}

/**
 * Returns what there is; throws `component` where there is none and none can be made. Any disk counts: which one a run needs
 * only its plan tells.
 */
export async function findRootDisk(cacheDir: string, { isRoot, search }: Asker): Promise<string> {
  const stored = (await createStore({ cacheDir }).list()).map(({ manifest }) => manifest);
  const disks = stored.filter(({ name }) => name === ROOT_DISK);
  if (disks.length > 0) {
    const versions = new Set(disks.map(({ version }) => version));
    return `in the cache, with Kubernetes ${[...versions].join(', ')}`;
  }
  demandRoot(isRoot);
  const hasFiles = stored.some(({ name }) => name === rootfsName('node'));
  if (!hasFiles && (await onPath('mmdebstrap', search)) === undefined)
    throw new CoalmineError('component', 'there is none yet, and mmdebstrap is not installed', {
      wayOut: 'Run `coalmine setup` as root, or install mmdebstrap.',
    });
  return 'none yet; the first run makes it';
}
