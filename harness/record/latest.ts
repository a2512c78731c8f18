/** `reports/latest` points to the newest run. Replaced atomically: a reader never sees it missing. */
import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

/** Throws what the file system says, for example where `latest` is a real folder of somebody else. */
export function linkLatest(reportsDir: string, folder: string): void {
  const temporary = path.join(reportsDir, `.latest-${randomBytes(6).toString('hex')}`);
  symlinkSync(folder, temporary);
  try {
    renameSync(temporary, path.join(reportsDir, 'latest'));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
