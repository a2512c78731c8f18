/** Runs one of the programs that boot machines (`ROOM IMAGE-JSON FOLDER`), with an image from the store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeVmImage } from '../../harness/components/image/vm-image.ts';
import { createStore } from '../../harness/components/store.ts';
import { local } from '../../harness/exec/local.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { vmVersions } from '../../harness/providers/vm/versions.ts';
import { nodeFiles } from '../../harness/run/node-files.ts';
import { planOf } from './history.ts';
import { inNamespaces } from './in-namespaces.ts';

const ROOM_MS = 600_000;

/** Returns the one line of JSON that the room prints. */
export async function runMachineRoom(room: string): Promise<unknown> {
  const store = createStore({ offline: process.env['CI'] !== 'true' });
  const context = { say: () => undefined, signal: new AbortController().signal };
  const making = { store, goFolder: store.cache.go, context };
  const files = await nodeFiles(store);
  const image = await makeVmImage(making, vmVersions(planOf({ provider: 'vm' })), files);
  const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-room-'));
  try {
    const program = path.join(import.meta.dirname, room);
    const words = [process.execPath, '--import', 'tsx', program, JSON.stringify(image), folder];
    const argv = inNamespaces(words);
    return JSON.parse(await runOrThrow(local, { argv }, { timeoutMs: ROOM_MS }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
