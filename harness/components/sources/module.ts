/** Builds a component from its Go module: needs a Go toolchain and a module proxy, nothing else. */
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ComponentRef } from '../component.ts';
import { demandDisk } from '../disk.ts';
import { pruneBuildCache } from '../build-cache.ts';
import { withLock } from '../lock.ts';
import { withProgress } from '../progress.ts';
import { linkerFlags } from '../recipes/recipe.ts';
import { recipeFor } from '../recipes/recipe-for.ts';
import { parseVersion } from '../recipes/version.ts';
import { runGo, scratchFolder, wrapperFolder, type GoBuild } from './go-build.ts';
import { demandModule, downloadModule, findGo } from './go.ts';
import type { Provenance, Source, SourceContext } from './source.ts';
import { buildInTree } from './tree-build.ts';
import { buildInWrapper } from './wrapper-build.ts';

export const moduleSource: Source = {
  name: 'module',
  fetch: buildFromModule,
  offers: async (ref, context) => {
    const version = parseVersion(ref.component, ref.version);
    const { module } = recipeFor(ref.component, version);
    await demandModule(context.cache, module, `v${version.text}`, context);
  },
};

/** Where fewer were compiled, Go's cache knew the rest from elsewhere, and the time is no estimate for the next. */
const PACKAGES_MIN = { cold: 100, warm: 20 } as const;

const BUILDERS = { install, wrapper: buildInWrapper, tree: buildInTree } as const;

/** Part of a recipe's disk that is still to come once a sibling was built. */
const WARM_SHARE = 0.25;

async function buildFromModule(
  ref: ComponentRef,
  file: string,
  context: SourceContext,
): Promise<Provenance> {
  const version = parseVersion(ref.component, ref.version);
  const recipe = recipeFor(ref.component, version);
  const go = await findGo(context.cache, context.signal);
  const logFile = path.join(context.cache.logs, `${ref.component}-${ref.version}.log`);
  const build: GoBuild = { ref, version, recipe, go, file, logFile, context, compiled: 0 };
  // One build at a time on this machine: two would take as long, need twice the memory, and prune each other's cache.
  const lock = path.join(context.cache.locks, 'go.lock');
  return await withLock(lock, `building ${ref.component} ${ref.version}`, context, async () => {
    await makeRoom(build);
    const start = (await hasSibling(build)) ? 'warm' : 'cold';
    const aboutSeconds = context.measuredSeconds(start) ?? recipe.aboutSeconds[start];
    const what = `${ref.component} ${ref.version}: building from its Go module`;
    const detail = (): string =>
      build.compiled === 0 ? '' : `${build.compiled} packages compiled`;
    await withProgress({ what, aboutSeconds, say: context.say, detail }, () =>
      withScratch(build, () => BUILDERS[recipe.how](build)),
    );
    await mkdir(wrapperFolder(build), { recursive: true });
    await writeFile(markOf(build), '');
    return {
      origin: `${recipe.package}@v${version.text}`,
      toolchain: go.version,
      build: build.compiled < PACKAGES_MIN[start] ? 'none' : start,
    };
  });
}

async function makeRoom(build: GoBuild): Promise<void> {
  const { ref, recipe, context } = build;
  const { cache } = context;
  const what = `building ${ref.component} ${ref.version}`;
  const share = (await hasSibling(build)) ? WARM_SHARE : 1;
  try {
    await demandDisk(cache.root, recipe.needBytes * share, what);
  } catch {
    await pruneBuildCache(cache);
    await demandDisk(cache.root, recipe.needBytes, what);
  }
}

/** Go's own temporary folder: ours, so that a killed build leaves nothing in /tmp, and the next one sweeps it. */
async function withScratch(build: GoBuild, work: () => Promise<void>): Promise<void> {
  const folder = scratchFolder(build);
  const sweep = (): Promise<void> => rm(folder, { recursive: true, force: true });
  await sweep();
  await mkdir(folder, { recursive: true });
  try {
    await work();
  } finally {
    await sweep();
  }
}

/** Left in the wrapper's folder by the first binary of a version; `pruneBuildCache` takes it away. */
function markOf(build: GoBuild): string {
  return path.join(wrapperFolder(build), 'built');
}

async function hasSibling(build: GoBuild): Promise<boolean> {
  return (await stat(markOf(build)).catch(() => undefined)) !== undefined;
}

/** `go install` names the file after the package, so it gets a folder of its own. */
async function install(build: GoBuild): Promise<void> {
  const { recipe, version, file, context } = build;
  // Asked first, because its error can name the versions that there are.
  await downloadModule(context.cache, recipe.module, `v${version.text}`, context);
  const bin = `${file}.bin`;
  await mkdir(bin, { recursive: true });
  const what = `${recipe.package}@v${version.text}`;
  const args = ['install', '-v', '-trimpath', '-ldflags', linkerFlags(recipe, version), what];
  await runGo(build, bin, args, undefined, { GOBIN: bin });
  await rename(path.join(bin, path.basename(recipe.package)), file);
}
