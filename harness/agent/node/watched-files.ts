/**
 * Reads files again and again and says what changed. Files of procfs and sysfs stay open: reading them from position 0
 * makes the kernel write them anew. Others are opened each time, because a rename may have replaced them.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { messageOf } from '../../core/errors.ts';
import { MAX_OUTPUT_CHARS } from '../protocol.ts';
import type { Changed, Source } from './sampler.ts';

/** Shared by all files: they are read synchronously, at a tenth of what the thread pool's way costs. */
let scratch = Buffer.alloc(64 * 1024);

export function watchFiles(paths: readonly string[]): Source {
  const files = paths.map((path) => ({ path, file: watchFile(path) }));
  return {
    look: () => {
      const changed: Changed = {};
      let failure: string | undefined;
      let good = false;
      for (const { path, file } of files) {
        try {
          const content = file.read();
          good = true;
          if (content !== undefined) changed[path] = content;
        } catch (error) {
          failure ??= `cannot read ${path}: ${messageOf(error)}`;
          if (file.lose()) changed[path] = null;
        }
      }
      return { changed, good, failure };
    },
    close: () => {
      for (const { file } of files) file.lose();
    },
  };
}

function watchFile(path: string) {
  const staysOpen = path.startsWith('/proc/') || path.startsWith('/sys/');
  let fd: number | undefined;
  let last: Buffer | null | undefined;

  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const fill = (): number => {
    // Non-blocking, so that a FIFO cannot hold up the whole agent.
    fd ??= openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return readWhole(fd);
  };
  const fillOrReopen = (): number => {
    if (fd === undefined) return fill();
    try {
      return fill();
    } catch {
      close();
      return fill();
    }
  };
  return {
    /** Returns the new content, or undefined where it is the same as last time. */
    read: (): string | undefined => {
      const length = fillOrReopen();
      if (!staysOpen) close();
      if (last?.length === length && scratch.compare(last, 0, length, 0, length) === 0) return;
      last = Buffer.from(scratch.subarray(0, length));
      return last.toString('utf8');
    },
    /** Gives the file up; returns whether that is news. */
    lose: (): boolean => {
      close();
      const isNews = last !== null;
      last = null;
      return isNews;
    },
  };
}

/** Fills `scratch` from position 0 and returns how much of it counts. */
function readWhole(fd: number): number {
  for (let length = 0; ;) {
    if (length === scratch.length) scratch = Buffer.concat([scratch], length * 2);
    const got = readSync(fd, scratch, length, scratch.length - length, length);
    if (got === 0) return length;
    length += got;
    if (length > MAX_OUTPUT_CHARS) throw new Error(`holds more than ${MAX_OUTPUT_CHARS} bytes`);
  }
}
