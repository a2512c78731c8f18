/** Our own programs that run elsewhere (on nodes, in pods), each bundled into one file without dependencies. */
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { bundleEntry, PROGRAMS, type ProgramName } from './bundle-entry.ts';
import { cacheFolder, defaultCacheDir, type CacheFolder } from './cache-folder.ts';

export interface Program {
  path: string;
  /** sha256 of the file. */
  digest: string;
}

const HOME = path.resolve(import.meta.dirname, '..');
/** In the repository this file is TypeScript; in the package it is compiled, and the programs are beside it. */
const isCompiled = import.meta.filename.endsWith('.js');

/** Returns the program as one .mjs file: from the package, else bundled now into the cache, named by its content. */
export async function bundleProgram(
  name: ProgramName,
  cache: CacheFolder = cacheFolder(defaultCacheDir(process.env)),
): Promise<Program> {
  if (isCompiled) return await packaged(name);
  return await keep(cache, name, await bundleEntry(path.join(HOME, PROGRAMS[name])));
}

/** Where the k6 scripts are, for copying to nodes; k6 reads TypeScript itself. */
export function k6ScriptsFolder(): string {
  return isCompiled ? path.join(HOME, 'k6') : path.join(HOME, 'load', 'http', 'k6');
}

async function packaged(name: ProgramName): Promise<Program> {
  const file = path.join(HOME, 'programs', `${name}.mjs`);
  return { path: file, digest: sha256(await readFile(file)) };
}

async function keep(cache: CacheFolder, name: string, content: Uint8Array): Promise<Program> {
  const digest = sha256(content);
  const file = path.join(cache.programs, `${name}-${digest.slice(0, 16)}.mjs`);
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere) return { path: file, digest };
  await mkdir(cache.programs, { recursive: true });
  const partial = `${file}.${process.pid}.partial`;
  await writeFile(partial, content, { mode: 0o755 });
  await rename(partial, file);
  return { path: file, digest };
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
