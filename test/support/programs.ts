/** Finds a program that a test needs: where the environment says, else on PATH. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** Returns undefined where it is not here. `variable` names an environment variable with the whole path. */
export function findProgram(name: string, variable?: string): string | undefined {
  const given = variable === undefined ? undefined : process.env[variable];
  const folders = (process.env['PATH'] ?? '').split(':');
  const candidates = [
    ...(given === undefined ? [] : [given]),
    ...folders.map((each) => path.join(each, name)),
  ];
  return candidates.find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
