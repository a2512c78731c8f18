/**
 * Saved clusters on the disk. Who uses one holds its lock with others for as long as it runs; who makes or removes one must
 * have the lock alone, and never waits for it. Few are kept: those that were used last.
 */
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import type { CacheFolder } from '../../components/cache-folder.ts';
import { acquire } from '../../components/lock.ts';
import { MANIFEST_FILE } from '../../components/manifest.ts';
import { removeAll } from '../../components/place.ts';
import {
  contentDamage,
  readSnapshotManifest,
  sealSnapshot,
  sizeDamage,
  type SnapshotManifest,
} from './snapshot-manifest.ts';

export type SnapshotCache = Pick<CacheFolder, 'snapshots' | 'partial' | 'locks'>;

export interface Bounds {
  readonly count: number;
  readonly bytes: number;
}

export interface HeldSnapshot extends Pick<SnapshotManifest, 'accel'> {
  readonly folder: string;
  /** Reads all of it; returns what is wrong with it. */
  readonly damage: () => Promise<string | undefined>;
  /** Idempotent. */
  readonly release: () => Promise<void>;
}

const PREFIX = 'snapshot-';
const DAY_MS = 86_400_000;
/** Of `stat`, whatever the file system's are. */
const BLOCK = 512;

/** Returns undefined where there is none, where one is being made, and, as text, what is wrong with one that is damaged. */
export async function holdSnapshot(
  cache: SnapshotCache,
  key: string,
  { signal, ageMaxDays }: { signal: AbortSignal; ageMaxDays: number },
): Promise<HeldSnapshot | string | undefined> {
  const folder = path.join(cache.snapshots, key);
  if ((await stat(folder).catch(() => undefined)) === undefined) return undefined;
  const release = await tryLock(cache, key, 'share', signal);
  if (release === undefined) return undefined;
  const manifest = await readSnapshotManifest(folder);
  const damage =
    manifest === undefined
      ? 'it has no manifest'
      : (tooOld(manifest, ageMaxDays) ?? (await sizeDamage(folder, manifest)));
  if (manifest === undefined || damage !== undefined) {
    await release();
    return damage;
  }
  const now = new Date();
  await utimes(path.join(folder, MANIFEST_FILE), now, now);
  return { folder, accel: manifest.accel, damage: () => contentDamage(folder, manifest), release };
}

function tooOld({ madeAt }: SnapshotManifest, ageMaxDays: number): string | undefined {
  const days = (Date.now() - Date.parse(madeAt)) / DAY_MS;
  return days <= ageMaxDays ? undefined : `it was made on ${madeAt}, over ${ageMaxDays} days ago`;
}

/** Returns false where somebody else has it in hand; an old one is replaced. */
export async function makeSnapshot(
  cache: SnapshotCache,
  { key, ...origin }: { key: string } & Pick<SnapshotManifest, 'inputs' | 'accel'>,
  { signal, bounds }: { signal: AbortSignal; bounds: Bounds },
  make: (folder: string) => Promise<void>,
): Promise<boolean> {
  const made = await withKey(cache, key, signal, async () => {
    const partial = path.join(cache.partial, `${PREFIX}${key}`);
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    try {
      const work = await mkdtemp(path.join(partial, 'work-'));
      await make(work);
      await sealSnapshot(work, await filesBelow(work), origin);
      const place = path.join(cache.snapshots, key);
      await removeAll(place);
      await mkdir(cache.snapshots, { recursive: true });
      await rename(work, place);
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  });
  if (made) await prune(cache, key, bounds, signal);
  return made;
}

/** Returns false where somebody else uses it. */
export function removeSnapshot(
  cache: SnapshotCache,
  key: string,
  signal: AbortSignal,
): Promise<boolean> {
  return withKey(cache, key, signal, () => removeAll(path.join(cache.snapshots, key)));
}

/** The one that was just made stays, whatever its size; so does what somebody uses. */
async function prune(
  cache: SnapshotCache,
  newest: string,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<void> {
  const all = await listSnapshots(cache);
  let { length: count } = all;
  let bytes = all.reduce((sum, one) => sum + one.bytes, 0);
  for (const one of all) {
    if (one.key === newest || (count <= bounds.count && bytes <= bounds.bytes)) continue;
    if (!(await removeSnapshot(cache, one.key, signal))) continue;
    count -= 1;
    bytes -= one.bytes;
  }
  await sweepPartial(cache, signal);
}

/** What a maker left who was killed. */
async function sweepPartial(cache: SnapshotCache, signal: AbortSignal): Promise<void> {
  for (const name of await readdir(cache.partial).catch(() => [])) {
    if (!name.startsWith(PREFIX)) continue;
    await withKey(cache, name.slice(PREFIX.length), signal, () =>
      rm(path.join(cache.partial, name), { recursive: true, force: true }),
    );
  }
}

/** Least recently used first. */
async function listSnapshots(
  cache: SnapshotCache,
): Promise<{ key: string; bytes: number; usedMs: number }[]> {
  const keys = await readdir(cache.snapshots).catch(() => []);
  const all = keys.map(async (key) => {
    const folder = path.join(cache.snapshots, key);
    const used = await stat(path.join(folder, MANIFEST_FILE)).catch(() => undefined);
    return { key, bytes: await bytesIn(folder), usedMs: used?.mtimeMs ?? 0 };
  });
  return (await Promise.all(all)).sort((a, b) => a.usedMs - b.usedMs);
}

async function bytesIn(folder: string): Promise<number> {
  const names = await filesBelow(folder).catch(() => []);
  // What it takes on the disk: the memory of a machine is mostly holes.
  const sizes = names.map(async (name) => {
    // Somebody else may be removing it.
    const found = await stat(path.join(folder, name)).catch(() => undefined);
    return (found?.blocks ?? 0) * BLOCK;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** As paths from there. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

async function withKey(
  cache: SnapshotCache,
  key: string,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<boolean> {
  const release = await tryLock(cache, key, 'try', signal);
  if (release === undefined) return false;
  try {
    await work();
    return true;
  } finally {
    await release();
  }
}

async function tryLock(
  { locks }: SnapshotCache,
  key: string,
  mode: 'try' | 'share',
  signal: AbortSignal,
): Promise<(() => Promise<void>) | undefined> {
  await mkdir(locks, { recursive: true });
  const holder = await acquire(path.join(locks, `${PREFIX}${key}.lock`), mode, signal);
  if (holder === undefined) return undefined;
  return async () => {
    holder.stdin.end();
    await holder.ended;
  };
}
