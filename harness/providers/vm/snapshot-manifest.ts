/** What is written beside a saved cluster, and how to tell by it that the files are whole. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { sha256OfFile } from '../../components/digest.ts';
import { MANIFEST_FILE } from '../../components/manifest.ts';
import { isVerified, markVerified, stampOf } from './snapshot-verified.ts';

const manifestSchema = z.strictObject({
  format: z.literal(2),
  madeAt: z.string(),
  /** What its machines ran on. */
  accel: z.enum(['kvm', 'tcg']),
  /** What its key is the hash of. */
  inputs: z.array(z.string()),
  files: z.array(z.strictObject({ name: z.string(), sizeBytes: z.number(), sha256: z.string() })),
});
export type SnapshotManifest = z.infer<typeof manifestSchema>;

/** What is hashed here need not be read again by who uses it before this machine boots. */
export async function sealSnapshot(
  folder: string,
  names: readonly string[],
  { inputs, accel }: Pick<SnapshotManifest, 'inputs' | 'accel'>,
): Promise<void> {
  const stamp = await stampOf(folder, names);
  const files = names.map(async (name) => {
    const file = path.join(folder, name);
    return { name, sizeBytes: (await stat(file)).size, sha256: await sha256OfFile(file) };
  });
  const madeAt = new Date().toISOString();
  const manifest = { format: 2, madeAt, accel, inputs, files: await Promise.all(files) };
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  await writeFile(path.join(folder, MANIFEST_FILE), text);
  await markVerified(folder, stamp);
}

/** Returns undefined where there is none, or none that this version of coalmine can read. */
export async function readSnapshotManifest(folder: string): Promise<SnapshotManifest | undefined> {
  try {
    return manifestSchema.parse(
      JSON.parse(await readFile(path.join(folder, MANIFEST_FILE), 'utf8')),
    );
  } catch {
    return undefined;
  }
}

/** As far as one look at each inode can tell: a file that is gone, or was cut. */
export async function sizeDamage(
  folder: string,
  { files }: SnapshotManifest,
): Promise<string | undefined> {
  for (const { name, sizeBytes } of files) {
    const found = await stat(path.join(folder, name)).catch(() => undefined);
    if (found === undefined) return `${name} is gone`;
    if (found.size !== sizeBytes) return `${name} has ${found.size} bytes instead of ${sizeBytes}`;
  }
  return undefined;
}

/** Reads all of it, unless that was done and nothing was written to it since. */
export async function contentDamage(
  folder: string,
  { files }: SnapshotManifest,
): Promise<string | undefined> {
  const stamp = await stampOf(
    folder,
    files.map(({ name }) => name),
  );
  if (await isVerified(folder, stamp)) return undefined;
  const all = files.map(async ({ name, sha256 }) => {
    const found = await sha256OfFile(path.join(folder, name));
    return found === sha256 ? [] : [`${name} has the sha256 ${found} instead of ${sha256}`];
  });
  const damage = (await Promise.all(all)).flat()[0];
  if (damage === undefined) await markVerified(folder, stamp);
  return damage;
}
