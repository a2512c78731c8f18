/** Puts a file in place whole or not at all, and makes sure that it is on the disk before it says so. */
import { chmod, chown, open, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** Keeps mode and owner of a file that was there. Files of the kernel, and bind mounts, can only be written in place. */
export async function placeFile(file: string, content: string, mode?: number): Promise<void> {
  if (file.startsWith('/proc/') || file.startsWith('/sys/')) return writeSynced(file, content);
  const target = await realpath(file).catch(() => file);
  const before = await stat(target).catch(() => undefined);
  const folder = path.dirname(target);
  const draft = path.join(folder, `.${path.basename(target)}.coalmine-${process.pid}`);
  try {
    await writeSynced(draft, content);
    await chmod(draft, mode ?? (before === undefined ? 0o644 : before.mode & 0o7777));
    if (before !== undefined) await chown(draft, before.uid, before.gid);
    await rename(draft, target);
    await syncFolder(folder);
  } catch (error) {
    await rm(draft, { force: true });
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    await writeSynced(target, content);
    if (mode !== undefined) await chmod(target, mode);
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

async function writeSynced(file: string, content: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(content);
    // Files of the kernel cannot be synced, and need not.
    await handle.sync().catch(() => undefined);
  } finally {
    await handle.close();
  }
}
