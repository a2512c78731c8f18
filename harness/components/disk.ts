/** Asks for room on the disk before a build starts, instead of failing in its middle with a half-written file. */
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../core/errors.ts';

/** Where `folder` would be made, if it is not there yet: a question makes nothing. */
export async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    const above = path.dirname(path.resolve(folder));
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === folder) throw error;
    return freeBytes(above);
  }
}

/** Throws `component` with need, have and path where `folder` has less than `needBytes` free. */
export async function demandDisk(folder: string, needBytes: number, what: string): Promise<void> {
  const haveBytes = await freeBytes(folder);
  if (haveBytes >= needBytes) return;
  throw new CoalmineError(
    'component',
    `${what} needs about ${formatBytes(needBytes)} free in ${folder}, and there are ${formatBytes(haveBytes)}`,
    { wayOut: 'free some space there, or set XDG_CACHE_HOME to a folder on a larger disk' },
  );
}

/** Returns the number in the largest unit that keeps it above one: `1.5 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let rest = bytes;
  let unit = 0;
  while (rest >= 1_000 && unit < units.length - 1) {
    rest /= 1_000;
    unit += 1;
  }
  return `${Number(rest.toFixed(1))} ${units[unit] ?? ''}`;
}
