/** kind's own files for node images (entrypoint, units, containerd's configuration), from the source of its Go module. */
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { CoalmineError } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Artifact, ComponentStore, StoreContext } from '../component.ts';

const MODULE = 'sigs.k8s.io/kind';
const downloadSchema = z.object({ Dir: z.string() });

/** Returns a folder with what kind's node image has at `/`: `etc/`, `kind/`, `usr/`. */
export function produceKindFiles(
  store: ComponentStore,
  kindVersion: string,
  goFolder: string,
  context: StoreContext,
): Promise<Artifact> {
  return store.produce(
    {
      name: 'kind-files',
      version: kindVersion,
      inputs: ['kind-files 1', kindVersion],
      needBytes: 50_000_000,
      aboutSeconds: 3,
      make: async (folder, { signal }) => {
        const source = await kindModuleDir(kindVersion, goFolder, signal);
        await cp(path.join(source, 'images/base/files'), folder, { recursive: true });
      },
    },
    context,
  );
}

/** Returns the folder of kind's source in the module cache below `goFolder`, downloaded where it is not there yet. */
async function kindModuleDir(
  kindVersion: string,
  goFolder: string,
  signal: AbortSignal,
): Promise<string> {
  const text = await runOrThrow(
    local,
    {
      argv: ['go', 'mod', 'download', '-json', `${MODULE}@v${kindVersion}`],
      env: { GOMODCACHE: path.join(goFolder, 'mod'), GOFLAGS: '-modcacherw', GOWORK: 'off' },
    },
    {
      timeoutMs: 300_000,
      signal,
      code: 'component',
      wayOut:
        'Node images are built with files of kind’s Go module: install Go, or use published images.',
    },
  );
  const parsed = downloadSchema.safeParse(JSON.parse(text));
  if (!parsed.success)
    throw new CoalmineError('component', `go mod download did not say where ${MODULE} is`);
  return parsed.data.Dir;
}
