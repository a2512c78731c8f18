/**
 * That a saved cluster was read from end to end and is what was written, for whoever goes on from it next: it need not be
 * read again until somebody writes to one of its files, or this machine boots.
 */
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

const FILE = 'verified.json';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/**
 * What changes with every write to one of the files, by whatever way: the kernel sets the time of the last change of an
 * inode (ctime), and nobody else can. Taken before they are read.
 */
export async function stampOf(folder: string, names: readonly string[]): Promise<string> {
  const inodes = names.map(async (name) => {
    const { dev, ino, ctimeNs, size } = await stat(path.join(folder, name), { bigint: true });
    return [name, dev, ino, ctimeNs, size].join(' ');
  });
  return [(await readFile(BOOT_ID, 'utf8')).trim(), ...(await Promise.all(inodes))].join('\n');
}

export async function isVerified(folder: string, stamp: string): Promise<boolean> {
  const written = await readFile(path.join(folder, FILE), 'utf8').catch(() => '');
  return written === JSON.stringify({ stamp });
}

/** Where it cannot be written, it is read again. */
export async function markVerified(folder: string, stamp: string): Promise<void> {
  await writeFile(path.join(folder, FILE), JSON.stringify({ stamp })).catch(() => undefined);
}
