/** The pause program: holds a pod's namespaces, and reaps orphans where the pod shares its process namespace. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Artifact, ComponentStore, StoreContext } from '../component.ts';

const SOURCE = `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			os.Exit(0)
		}
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if pid <= 0 || err != nil {
				break
			}
		}
	}
}
`;

export function producePause(
  store: ComponentStore,
  goFolder: string,
  context: StoreContext,
): Promise<Artifact> {
  return store.produce(
    {
      name: 'pause',
      version: '1',
      inputs: ['pause 1', SOURCE, process.arch],
      needBytes: 200_000_000,
      aboutSeconds: 15,
      make: async (file, { signal }) => {
        const folder = `${file}.source`;
        await mkdir(folder);
        await writeFile(path.join(folder, 'go.mod'), 'module pause\n\ngo 1.21\n');
        await writeFile(path.join(folder, 'main.go'), SOURCE);
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
