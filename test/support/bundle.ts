/** Our programs for nodes and pods as the one file that really runs there, for tests that start them here. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bundleEntry, PROGRAMS, type ProgramName } from '../../harness/components/bundle-entry.ts';

const HARNESS = path.resolve(import.meta.dirname, '../../harness');

/** Writes the bundled program to `file` (`.mjs`). */
export async function bundleTo(file: string, program: ProgramName): Promise<void> {
  await writeFile(file, await bundleEntry(path.join(HARNESS, PROGRAMS[program])));
}
