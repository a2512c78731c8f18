/**
 * A file to which whole lines are appended while the run goes on. `writeSync` on an O_APPEND descriptor: what was written
 * is in the kernel when the call returns, so that a SIGKILL loses nothing (a write stream lost some 240 records per kill).
 */
import assert from 'node:assert/strict';
import { closeSync, fdatasync, fdatasyncSync, openSync, writeSync } from 'node:fs';

export interface AppendLog {
  writeLine(text: string): void;
  close(): void;
}

/** A power cut may lose this much. The sync runs beside the event loop: waiting for a slow disk would look like a stall. */
const SYNC_EVERY_MS = 1_000;

export function openAppendLog(path: string): AppendLog {
  const fd = openSync(path, 'ax', 0o644);
  let state: 'clean' | 'dirty' | 'closed' = 'clean';
  const timer = setInterval(() => {
    if (state !== 'dirty') return;
    state = 'clean';
    // A disk that cannot sync will fail the next write, which is where somebody listens.
    fdatasync(fd, () => undefined);
  }, SYNC_EVERY_MS);
  timer.unref();
  return {
    writeLine: (text) => {
      assert.notEqual(state, 'closed', `${path} was closed before the last line was written`);
      const line = Buffer.from(`${text}\n`);
      for (let written = 0; written < line.length;) written += writeSync(fd, line, written);
      state = 'dirty';
    },
    close: () => {
      if (state === 'closed') return;
      clearInterval(timer);
      state = 'closed';
      fdatasyncSync(fd);
      closeSync(fd);
    },
  };
}
