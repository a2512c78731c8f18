/** Finds a program of this machine that a test needs. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** Returns its path, or undefined where it is not on PATH. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.map((each) => path.join(each, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
