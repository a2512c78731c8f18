/** Where the cache lives and how it is laid out. Everything below it can be deleted at any time; it is only work that was done. */
import path from 'node:path';
import { CoalmineError } from '../core/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface CacheFolder {
  readonly root: string;
  /** One folder an artifact: the file itself and its manifest. */
  readonly artifacts: string;
  /** Work in progress, moved into `artifacts` when it is whole. */
  readonly partial: string;
  readonly locks: string;
  /** Output of builds, for people. */
  readonly logs: string;
  /** Go's module cache, build cache and our wrapper modules; the user's own Go caches are never touched. */
  readonly go: string;
  /** Private state of apt. */
  readonly apt: string;
  /** Bundled programs for nodes and pods. */
  readonly programs: string;
  /** Machines that have booted, to go on from. */
  readonly snapshots: string;
  /** File: why guests do not run on KVM here. */
  readonly kvmRefused: string;
}

export function cacheFolder(root: string): CacheFolder {
  const below = (name: string): string => path.join(root, name);
  return {
    root,
    artifacts: below('artifacts'),
    partial: below('partial'),
    locks: below('locks'),
    logs: below('logs'),
    go: below('go'),
    apt: below('apt'),
    programs: below('programs'),
    snapshots: below('snapshots'),
    kvmRefused: below('kvm-refused.json'),
  };
}

/** Returns `$XDG_CACHE_HOME/coalmine`, else `~/.cache/coalmine`, as the XDG specification says. */
export function defaultCacheDir(env: Environment): string {
  const xdg = env['XDG_CACHE_HOME'];
  // The specification: a relative path is invalid and is to be ignored.
  if (xdg !== undefined && path.isAbsolute(xdg)) return path.join(xdg, 'coalmine');
  const home = env['HOME'];
  if (home !== undefined && path.isAbsolute(home)) return path.join(home, '.cache', 'coalmine');
  throw new CoalmineError('component', 'neither XDG_CACHE_HOME nor HOME is set', {
    wayOut: 'set XDG_CACHE_HOME to a folder on a disk with about 15 GB free',
  });
}
