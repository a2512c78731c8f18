/** The folder that holds run directories: asked before anything is touched, made when the first run begins. */
import { existsSync, mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { CoalmineError, messageOf } from '../core/errors.ts';

/** Throws `preflight` where no run directory could be made there. Leaves nothing, not even the folder itself. */
export function demandReportsFolder(reportsDir: string): void {
  const [nearest = path.sep] = ancestors(path.resolve(reportsDir)).filter((one) => existsSync(one));
  try {
    rmdirSync(mkdtempSync(path.join(nearest, '.coalmine-')));
  } catch (error) {
    throw unwritable(reportsDir, error);
  }
}

/**
 * Makes a folder with its parents. Step by step, because Node's own `recursive` never returns where the kernel says
 * ENOENT to a name whose parent exists, as below /proc.
 */
export function makeFolders(dir: string): void {
  for (const one of ancestors(path.resolve(dir)).reverse()) {
    try {
      if (!existsSync(one)) mkdirSync(one);
    } catch (error) {
      // Another run may have made it between the two calls.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

export function unwritable(reportsDir: string, cause: unknown): CoalmineError {
  return new CoalmineError(
    'preflight',
    `cannot write reports to ${reportsDir}: ${messageOf(cause)}`,
    { cause, wayOut: 'Name another place with --reports DIR.' },
  );
}

/** The folder itself first, the root last. */
function ancestors(dir: string): string[] {
  const above = path.dirname(dir);
  return above === dir ? [dir] : [dir, ...ancestors(above)];
}
