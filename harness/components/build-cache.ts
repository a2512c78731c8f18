/** Go's caches below ours: several gigabytes that are worth nothing once the binaries are in the store. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { CacheFolder } from './cache-folder.ts';

/**
 * Removes what Go compiled; binaries in the store and downloaded module sources stay. The caller holds the lock of Go
 * builds. The user's own Go caches are somewhere else and are never touched.
 */
export async function pruneBuildCache(cache: CacheFolder): Promise<void> {
  for (const name of ['build', 'wrappers'])
    await rm(path.join(cache.go, name), { recursive: true, force: true });
}
