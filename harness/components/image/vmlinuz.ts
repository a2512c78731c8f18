/** The kernel alone, as a machine's boot takes it. */
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Artifact, ComponentStore, StoreContext } from '../component.ts';

/** @param kernel the component's artifact, a tar */
export function produceVmlinuz(
  store: ComponentStore,
  kernel: Artifact,
  context: StoreContext,
): Promise<Artifact> {
  return store.produce(
    {
      name: 'vmlinuz',
      version: kernel.version,
      inputs: ['vmlinuz 1', kernel.digest],
      needBytes: 30_000_000,
      aboutSeconds: 1,
      make: async (file, { signal }) => {
        const folder = path.dirname(file);
        await runOrThrow(
          local,
          {
            argv: ['tar', '--extract', `--file=${kernel.path}`, '--directory', folder, './vmlinuz'],
          },
          { timeoutMs: 60_000, signal, code: 'component' },
        );
        await rename(path.join(folder, 'vmlinuz'), file);
      },
    },
    context,
  );
}
