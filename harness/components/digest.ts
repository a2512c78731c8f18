/** sha256 of files and of lists of inputs. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

const CHUNK_BYTES = 1024 * 1024;

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: CHUNK_BYTES }), hash);
  return hash.digest('hex');
}

/** Hashes a list so that no two lists collide by moving a boundary: `['ab']` and `['a', 'b']` differ. */
export function sha256OfInputs(inputs: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex');
}

/** Hashes a file, or every file of a folder with its name. */
export async function digestOfTree(file: string): Promise<string> {
  if (!(await stat(file)).isDirectory()) return await sha256OfFile(file);
  const names = (await readdir(file, { recursive: true })).sort();
  const files: string[] = [];
  for (const name of names) {
    const whole = path.join(file, name);
    if (!(await stat(whole)).isDirectory()) files.push(name, await sha256OfFile(whole));
  }
  return sha256OfInputs(files);
}
