/** Builds a component from its Go module: needs a Go toolchain and a module proxy, nothing else. */
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import type { ComponentRef } from '../component.ts';
import { demandDisk } from '../disk.ts';
import { pruneBuildCache } from '../build-cache.ts';
import { withLock } from '../lock.ts';
import { withProgress } from '../progress.ts';
import {
  linkerFlags,
  MODULE_RECIPES,
  packagesOfModule,
  stagingVersion,
  type ModuleRecipe,
} from '../recipes/recipe.ts';
import { parseVersion, type Version } from '../recipes/version.ts';
import { readModuleFacts, wrapperGoMod, wrapperToolsGo } from '../recipes/wrapper.ts';
import { runWatched } from '../watched.ts';
import { demandModule, downloadModule, downloadModules, findGo, goCommand, type Go } from './go.ts';
import type { Provenance, Source, SourceContext } from './source.ts';

const TIDY_TIMEOUT_MS = 900_000;
const BUILD_TIMEOUT_MS = 3_600_000;

export const moduleSource: Source = {
  name: 'module',
  fetch: buildFromModule,
  offers: async (ref, context) => {
    const version = parseVersion(ref.component, ref.version);
    const { module } = recipeFor(ref, version);
    await demandModule(context.cache, module, `v${version.text}`, context);
  },
};

/** Where fewer were compiled, Go's cache knew the rest from elsewhere, and the time is no estimate for the next. */
const PACKAGES_MIN = { cold: 100, warm: 20 } as const;

/** Part of a recipe's disk that is still to come once a sibling was built. */
const WARM_SHARE = 0.25;

/** One build: what to make of what, where, and how far it is. */
interface Build {
  ref: ComponentRef;
  version: Version;
  recipe: ModuleRecipe;
  go: Go;
  file: string;
  logFile: string;
  context: SourceContext;
  /** Packages compiled so far; what Go's cache still had is not among them. */
  compiled: number;
}

async function buildFromModule(
  ref: ComponentRef,
  file: string,
  context: SourceContext,
): Promise<Provenance> {
  const version = parseVersion(ref.component, ref.version);
  const recipe = recipeFor(ref, version);
  const go = await findGo(context.cache, context.signal);
  const logFile = path.join(context.cache.logs, `${ref.component}-${ref.version}.log`);
  const build: Build = { ref, version, recipe, go, file, logFile, context, compiled: 0 };
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
      withScratch(build, () => (recipe.how === 'wrapper' ? buildInWrapper(build) : install(build))),
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

function recipeFor(ref: ComponentRef, version: Version): ModuleRecipe {
  const recipe = MODULE_RECIPES[ref.component];
  if (recipe === undefined) throw new CoalmineError('component', 'it is not a Go program');
  const [major, minor] = recipe.since;
  if (version.major > major || (version.major === major && version.minor >= minor)) return recipe;
  throw new CoalmineError('component', `only ${major}.${minor} and newer can be built`);
}

async function makeRoom(build: Build): Promise<void> {
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
async function withScratch(build: Build, work: () => Promise<void>): Promise<void> {
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

function scratchFolder({ context }: Build): string {
  return path.join(context.cache.partial, 'go-scratch');
}

function wrapperFolder({ recipe, version, context }: Build): string {
  const name = `${recipe.module.replaceAll('/', '_')}@v${version.text}`;
  return path.join(context.cache.go, 'wrappers', name);
}

/** Left in the wrapper's folder by the first binary of a version; `pruneBuildCache` takes it away. */
function markOf(build: Build): string {
  return path.join(wrapperFolder(build), 'built');
}

async function hasSibling(build: Build): Promise<boolean> {
  return (await stat(markOf(build)).catch(() => undefined)) !== undefined;
}

async function buildInWrapper(build: Build): Promise<void> {
  const folder = wrapperFolder(build);
  const goMod = path.join(folder, 'go.mod');
  if ((await stat(goMod).catch(() => undefined)) === undefined) await writeWrapper(build, folder);
  await runGo(
    build,
    folder,
    ['build', '-v', '-trimpath', '-ldflags', linkerFlags(build.recipe, build.version)].concat([
      '-o',
      build.file,
      build.recipe.package,
    ]),
  );
}

/** Writes and tidies the wrapper beside its place and moves it in: a go.mod that is there is a whole one. */
async function writeWrapper(build: Build, folder: string): Promise<void> {
  const { recipe, version, context } = build;
  const source = await downloadModule(context.cache, recipe.module, `v${version.text}`, context);
  const facts = readModuleFacts(await readFile(path.join(source, 'go.mod'), 'utf8'));
  const wrapper = {
    module: recipe.module,
    version: `v${version.text}`,
    facts,
    stagingVersion: stagingVersion(version),
  };
  const fresh = `${folder}.partial`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  await writeFile(path.join(fresh, 'go.mod'), wrapperGoMod(wrapper));
  await writeFile(path.join(fresh, 'tools.go'), wrapperToolsGo(packagesOfModule(recipe.module)));
  try {
    await runGo(build, fresh, ['mod', 'tidy'], TIDY_TIMEOUT_MS);
  } catch (error) {
    context.signal.throwIfAborted();
    await demandParts(build, facts.stagingRequired);
    throw error;
  }
  await rename(fresh, folder);
}

/** A few patch releases are not served as a whole: `go mod tidy` says it in a hundred lines, this says which part. */
async function demandParts(build: Build, modules: readonly string[]): Promise<void> {
  const { recipe, version, context } = build;
  try {
    await downloadModules(context.cache, modules, stagingVersion(version), context);
  } catch (error) {
    if (!(error instanceof CoalmineError)) throw error;
    throw new CoalmineError(
      'component',
      `a part of ${recipe.module} v${version.text} is not served: ${error.message}`,
      { wayOut: `${error.wayOut ?? ''} (1.X.Y is v0.X.Y of its parts)`, cause: error },
    );
  }
}

/** `go install` names the file after the package, so it gets a folder of its own. */
async function install(build: Build): Promise<void> {
  const { recipe, version, file, context } = build;
  // Asked first, because its error can name the versions that there are.
  await downloadModule(context.cache, recipe.module, `v${version.text}`, context);
  const bin = `${file}.bin`;
  await mkdir(bin, { recursive: true });
  const what = `${recipe.package}@v${version.text}`;
  const args = ['install', '-v', '-trimpath', '-ldflags', linkerFlags(recipe, version), what];
  await runGo(build, bin, args, BUILD_TIMEOUT_MS, { GOBIN: bin });
  await rename(path.join(bin, path.basename(recipe.package)), file);
}

async function runGo(
  build: Build,
  folder: string,
  args: readonly string[],
  timeoutMs = BUILD_TIMEOUT_MS,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  await runWatched(goCommand(build.go, folder, args, { GOTMPDIR: scratchFolder(build), ...env }), {
    timeoutMs,
    signal: build.context.signal,
    logFile: build.logFile,
    onLine: (line) => {
      if (isPackageLine(line)) build.compiled += 1;
    },
    isNoise: (line) => isPackageLine(line) || line.startsWith('go: downloading '),
  });
}

/** With -v, Go prints the path of each package that it compiles, alone on a line. */
export function isPackageLine(line: string): boolean {
  return /^[\w.~-]+(\/[\w.~+-]+)*$/.test(line);
}
