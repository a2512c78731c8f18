/**
 * A file to which whole lines are appended while the run goes on. `writeSync` on an O_APPEND descriptor: what was written
 * is in the kernel when the call returns, so that a SIGKILL loses nothing (a write stream lost some 240 records per kill).
 */
import assert from 'node:assert/strict';
import { closeSync, fdatasync, fdatasyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';

export interface AppendLog {
  /** Returns whether the line is in the file. Once one is not, none is: a history may be cut short, but has no holes. */
  writeLine(text: string): boolean;
  close(): void;
}

/** A power cut may lose this much. The sync runs beside the event loop: waiting for a slow disk would look like a stall. */
const SYNC_EVERY_MS = 1_000;

/** @param onRefused called, and nothing thrown, when the disk takes no more: lines come from where nobody could catch it */
export function openAppendLog(path: string, onRefused: (cause: unknown) => void): AppendLog {
  const fd = openSync(path, 'ax', 0o644);
  let state: 'clean' | 'dirty' | 'refused' | 'closed' = 'clean';
  let size = 0;
  const refuse = (cause: unknown): void => {
    if (state !== 'closed') state = 'refused';
    onRefused(cause);
  };
  const timer = setInterval(() => {
    if (state !== 'dirty') return;
    state = 'clean';
    fdatasync(fd, (error) => {
      if (error !== null && state !== 'closed') refuse(error);
    });
  }, SYNC_EVERY_MS);
  timer.unref();
  return {
    writeLine: (text) => {
      assert.notEqual(state, 'closed', `${path} was closed before the last line was written`);
      if (state === 'refused') return false;
      const line = Buffer.from(`${text}\n`);
      try {
        for (let written = 0; written < line.length;) written += writeSync(fd, line, written);
      } catch (error) {
        cutTo(fd, size);
        refuse(error);
        return false;
      }
      size += line.length;
      state = 'dirty';
      return true;
    },
    close: () => {
      if (state === 'closed') return;
      clearInterval(timer);
      state = 'closed';
      try {
        syncAndClose(fd);
      } catch (error) {
        refuse(error);
      }
    },
  };
}

function syncAndClose(fd: number): void {
  try {
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A full disk may take half a line. Where even this is refused, a reader leaves it out as what a crash has torn. */
function cutTo(fd: number, size: number): void {
  try {
    ftruncateSync(fd, size);
  } catch {
    // The write's own error says more.
  }
}
