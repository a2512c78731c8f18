/**
 * The component store: gives a file for a component's version from the cache or from the first source that can, and
 * makes derived artifacts once. Addressed by what decides the content, moved into place whole, one maker at a time.
 */
import path from 'node:path';
import { CoalmineError } from '../core/errors.ts';
import { askSources, demandOffered } from './ask-sources.ts';
import { pruneBuildCache } from './build-cache.ts';
import {
  cacheFolder,
  defaultCacheDir,
  type CacheFolder,
  type Environment,
} from './cache-folder.ts';
import {
  SOURCES,
  type Artifact,
  type ComponentRef,
  type ComponentStore,
  type Production,
  type SourceName,
  type StoreContext,
} from './component.ts';
import { demandDisk } from './disk.ts';
import { withLock } from './lock.ts';
import { placeArtifact, removeAll, type Origin } from './place.ts';
import { withProgress } from './progress.ts';
import { parseVersion } from './recipes/version.ts';
import { listStored, lookUp, verifyStored, type Slot, type Stored } from './sources/cache.ts';
import { debianSource } from './sources/debian.ts';
import { moduleSource } from './sources/module.ts';
import { processSource } from './sources/process.ts';
import { releaseSource } from './sources/release.ts';
import { goArch, type Source, type SourceContext } from './sources/source.ts';

export interface StoreOptions {
  /** Default: `$XDG_CACHE_HOME/coalmine`, else `~/.cache/coalmine`. */
  cacheDir?: string;
  /** Nothing but the cache and what this machine has. */
  offline?: boolean;
  /** Which may be asked, in this order. Without `cache`, everything is fetched or made anew. */
  sources?: readonly SourceName[];
  env?: Environment;
}

export interface Store extends ComponentStore {
  readonly cache: CacheFolder;
  /** Throws as `ensure` would where the version does not exist anywhere: a question of seconds, which makes nothing. */
  demand(ref: ComponentRef, context: StoreContext): Promise<void>;
  /** What is in the cache and looks whole; asks nobody else. */
  lookUp(ref: ComponentRef): Promise<Stored | undefined>;
  list(): Promise<Stored[]>;
  /** Reads every file again and returns what is wrong with which artifact: for `doctor`. */
  verify(): Promise<{ artifact: Artifact; problem: string }[]>;
  remove(artifact: Artifact): Promise<void>;
  /** Frees what Go builds left behind; binaries stay. */
  pruneBuildCache(context: StoreContext): Promise<void>;
}

const FETCHERS = { release: releaseSource, module: moduleSource, debian: debianSource } as const;

export function createStore(options: StoreOptions = {}): Store {
  const env = options.env ?? process.env;
  const cache = cacheFolder(options.cacheDir ?? defaultCacheDir(env));
  const mayReuse = (options.sources ?? SOURCES).includes('cache');
  const find = (slot: Slot): Promise<Stored | undefined> =>
    mayReuse ? lookUp(cache, slot) : Promise.resolve(undefined);
  const questionFor = async (ref: ComponentRef, context: StoreContext) => ({
    sources: sourcesOf(ref, options),
    known: absences(options, cache),
    ref,
    context: await sourceContext(cache, env, ref, context),
  });
  return {
    cache,
    demand: async (ref, context) => {
      if ((await find(slotOf(ref))) === undefined)
        await demandOffered(await questionFor(ref, context));
    },
    lookUp: (ref) => lookUp(cache, slotOf(ref)),
    list: () => listStored(cache),
    verify: () => verifyStored(cache),
    remove: (artifact) => removeAll(path.dirname(artifact.path)),
    pruneBuildCache: (context) =>
      withLock(path.join(cache.locks, 'go.lock'), 'pruning the Go build cache', context, () =>
        pruneBuildCache(cache),
      ),
    async ensure(ref, context) {
      const slot = slotOf(ref);
      const found = await find(slot);
      if (found !== undefined) return found.artifact;
      const question = await questionFor(ref, context);
      const make = (file: string): Promise<Origin> => askSources(question, file);
      return await placeArtifact({ cache, slot, mayReuse, context, make });
    },
    async produce(production, context) {
      const found = await find(production);
      if (found !== undefined) return found.artifact;
      if (options.offline === true)
        throw new CoalmineError(
          'component',
          `${production.name} ${production.version} is not in the cache (${cache.root})`,
          { wayOut: 'run `coalmine setup` once without --offline' },
        );
      const make = (target: string): Promise<Origin> => produce(cache, production, target, context);
      return await placeArtifact({ cache, slot: production, mayReuse, context, make });
    },
  };
}

/** A component is known by name, version and architecture, whichever source gave it. */
function slotOf({ component, version }: ComponentRef): Slot {
  return { name: component, version: parseVersion(component, version).text, inputs: [goArch()] };
}

/** This machine's own Node.js comes before any network. */
function sourcesOf({ component }: ComponentRef, { offline, sources }: StoreOptions): Source[] {
  const here = component === 'node' ? [processSource] : [];
  if (offline === true) return here;
  return [
    ...here,
    ...(sources ?? SOURCES).flatMap((name) => (name === 'cache' ? [] : [FETCHERS[name]])),
  ];
}

function absences({ offline, sources }: StoreOptions, cache: CacheFolder): string[] {
  const names = sources ?? SOURCES;
  const off = SOURCES.filter((name) => !names.includes(name)).map(
    (name) => `${name}: switched off`,
  );
  return [
    ...(names.includes('cache') ? [`cache: not in ${cache.root}`] : []),
    ...off,
    ...(offline === true ? ['all others: switched off by --offline'] : []),
  ];
}

async function sourceContext(
  cache: CacheFolder,
  env: Environment,
  ref: ComponentRef,
  context: StoreContext,
): Promise<SourceContext> {
  const earlier = (await listStored(cache))
    .map(({ manifest }) => manifest)
    .filter(({ name, source }) => name === ref.component && source === 'module')
    .sort((a, b) => b.madeAt.localeCompare(a.madeAt));
  return {
    ...context,
    cache,
    env,
    measuredSeconds: (build) => earlier.find((manifest) => manifest.build === build)?.tookSeconds,
  };
}

async function produce(
  cache: CacheFolder,
  production: Production,
  target: string,
  context: StoreContext,
): Promise<Origin> {
  const what = `${production.name} ${production.version}`;
  await demandDisk(cache.root, production.needBytes, `making ${what}`);
  const progress = {
    what: `${what}: making it`,
    aboutSeconds: production.aboutSeconds,
    say: context.say,
  };
  await withProgress(progress, () => production.make(target, context));
  return { source: 'made', origin: 'made here', toolchain: '', build: 'none' };
}
