/** The pause program: holds a pod's namespaces, and reaps orphans where the pod shares its process namespace. */
import type { Artifact, ComponentStore, StoreContext } from '../component.ts';
import { produceGoProgram } from './go-program.ts';

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
  return produceGoProgram(store, goFolder, { name: 'pause', source: SOURCE }, context);
}
