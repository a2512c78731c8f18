/** A component that is a tar, unpacked: for a program that runs on this machine with libraries of its own. */
import { mkdir } from 'node:fs/promises';
import { local } from '../exec/local.ts';
import { runOrThrow } from '../exec/run-or-throw.ts';
import type { Artifact, ComponentStore, StoreContext } from './component.ts';

const UNPACK_MS = 60_000;

/** Returns the folder. */
export function produceUnpacked(
  store: ComponentStore,
  packed: Artifact,
  needBytes: number,
  context: StoreContext,
): Promise<Artifact> {
  return store.produce(
    {
      name: `${packed.name}-unpacked`,
      version: packed.version,
      inputs: ['unpacked 1', packed.digest],
      needBytes,
      aboutSeconds: 1,
      make: async (folder, { signal }) => {
        await mkdir(folder);
        const argv = [
          'tar',
          '--extract',
          `--file=${packed.path}`,
          `--directory=${folder}`,
        ] as const;
        await runOrThrow(local, { argv }, { timeoutMs: UNPACK_MS, signal, code: 'component' });
      },
    },
    context,
  );
}
