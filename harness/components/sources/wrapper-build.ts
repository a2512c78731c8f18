/** Builds a program that `go install` refuses, in a module of our own that says its replacements anew. */
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import { linkerFlags, packagesOfModule, stagingVersion } from '../recipes/recipe.ts';
import {
  DEAD_MODULE,
  hasDeadModule,
  readModuleFacts,
  wrapperGoMod,
  wrapperToolsGo,
} from '../recipes/wrapper.ts';
import { runGo, wrapperFolder, type GoBuild } from './go-build.ts';
import { downloadModule, downloadModules } from './go.ts';

const TIDY_TIMEOUT_MS = 900_000;

export async function buildInWrapper(build: GoBuild): Promise<void> {
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
async function writeWrapper(build: GoBuild, folder: string): Promise<void> {
  const { recipe, version, context } = build;
  const source = await downloadModule(context.cache, recipe.module, `v${version.text}`, context);
  const facts = readModuleFacts(await readFile(path.join(source, 'go.mod'), 'utf8'));
  const wrapper = {
    module: recipe.module,
    version: `v${version.text}`,
    facts,
    stagingVersion: stagingVersion(version),
  };
  const packages = recipe.wrapped ?? packagesOfModule(recipe.module);
  const fresh = `${folder}.partial`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  await writeFile(path.join(fresh, 'go.mod'), wrapperGoMod(wrapper));
  await writeFile(path.join(fresh, 'tools.go'), wrapperToolsGo(packages));
  if (hasDeadModule(facts)) {
    const empty = path.join(fresh, DEAD_MODULE.folder);
    await mkdir(empty);
    await writeFile(path.join(empty, 'go.mod'), `module ${DEAD_MODULE.name}\n`);
  }
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
async function demandParts(build: GoBuild, modules: readonly string[]): Promise<void> {
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
