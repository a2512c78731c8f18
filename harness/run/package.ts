/** coalmine's own package: where it is, and which version it says. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The folder of package.json, from the sources (`harness/run`) as well as from the compiled files (`dist/run`). */
export const PACKAGE_ROOT = path.resolve(import.meta.dirname, '../..');

export function coalmineVersion(): string {
  const file = path.join(PACKAGE_ROOT, 'package.json');
  if (!existsSync(file)) return 'unknown';
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
