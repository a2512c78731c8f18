/** Runs the room of saved machines, with an image from the store. */
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
import type { SnapshotReport } from './snapshot-room.ts';

const ROOM = path.join(import.meta.dirname, 'snapshot-room.ts');
const NAMESPACES = ['--net', '--pid', '--mount', '--mount-proc', '--fork', '--kill-child'];
const ROOM_MS = 400_000;

export async function runSnapshotRoom(): Promise<SnapshotReport> {
  const store = createStore({ offline: process.env['CI'] !== 'true' });
  const context = { say: () => undefined, signal: new AbortController().signal };
  const making = { store, goFolder: store.cache.go, context };
  const files = await nodeFiles(store);
  const image = await makeVmImage(making, vmVersions(planOf({ provider: 'vm' })), files);
  const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-room-'));
  try {
    const room = [process.execPath, '--import', 'tsx', ROOM, JSON.stringify(image), folder];
    const argv = ['unshare', ...NAMESPACES, '--', ...room] as const;
    const stdout = await runOrThrow(local, { argv }, { timeoutMs: ROOM_MS });
    return JSON.parse(stdout) as SnapshotReport;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
