/** What is written beside every artifact: where it came from and how to tell that it is still whole. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

export const MANIFEST_FILE = 'manifest.json';

const manifestSchema = z.strictObject({
  format: z.literal(1),
  name: z.string(),
  version: z.string(),
  kind: z.enum(['file', 'folder']),
  /** sha256 of the file, or of the inputs where it is a folder. */
  digest: z.string(),
  sizeBytes: z.number(),
  /** `process` is the Node.js that runs the controller; `made` is an artifact derived from others. */
  source: z.enum(['release', 'module', 'debian', 'process', 'made']),
  /** Where exactly: a URL, a module and version, a package of a suite, a path. */
  origin: z.string(),
  madeAt: z.string(),
  tookSeconds: z.number(),
  /** What a build began with: nothing of this version, or a sibling's packages; `none` where there was none to speak of. */
  build: z.enum(['cold', 'warm', 'none']),
  toolchain: z.string(),
  /** What decided the content; their hash is the key in the cache. */
  inputs: z.array(z.string()),
});
export type Manifest = z.infer<typeof manifestSchema>;

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeFile(path.join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** Returns undefined where there is none, or none that this version of coalmine can read: both mean "make it anew". */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  try {
    const text = await readFile(path.join(folder, MANIFEST_FILE), 'utf8');
    return manifestSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Says what is wrong with the thing at `file`, as far as one look at its inode can tell. */
export async function damageOf(file: string, manifest: Manifest): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return 'is gone';
  if (manifest.kind === 'folder') return found.isDirectory() ? undefined : 'is no folder';
  if (!found.isFile()) return 'is no file';
  if (found.size === manifest.sizeBytes) return undefined;
  return `has ${found.size} bytes instead of ${manifest.sizeBytes}`;
}
