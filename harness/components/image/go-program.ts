/** A small static program of our own, built from one file of Go with nothing but the standard library. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Artifact, ComponentStore, StoreContext } from '../component.ts';

export interface GoProgram {
  name: string;
  source: string;
}

export function produceGoProgram(
  store: ComponentStore,
  goFolder: string,
  { name, source }: GoProgram,
  context: StoreContext,
): Promise<Artifact> {
  return store.produce(
    {
      name,
      version: '1',
      inputs: [`${name} 1`, source, process.arch],
      needBytes: 200_000_000,
      aboutSeconds: 15,
      make: async (file, { signal }) => {
        const folder = `${file}.source`;
        await mkdir(folder);
        await writeFile(path.join(folder, 'go.mod'), `module ${name}\n\ngo 1.21\n`);
        await writeFile(path.join(folder, 'main.go'), source);
        await runOrThrow(
          local,
          {
            argv: ['go', 'build', '-C', folder, '-trimpath', '-ldflags=-s -w', '-o', file, '.'],
            env: {
              CGO_ENABLED: '0',
              GOWORK: 'off',
              GOMODCACHE: path.join(goFolder, 'mod'),
              GOCACHE: path.join(goFolder, 'build'),
            },
          },
          {
            timeoutMs: 300_000,
            signal,
            code: 'component',
            wayOut: 'Install Go (`coalmine doctor`).',
          },
        );
        await rm(folder, { recursive: true });
      },
    },
    context,
  );
}
