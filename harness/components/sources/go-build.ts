/** One build of a Go program: what to make of what, where, and how far it is. */
import path from 'node:path';
import type { ComponentRef } from '../component.ts';
import type { ModuleRecipe } from '../recipes/recipe.ts';
import type { Version } from '../recipes/version.ts';
import { runWatched } from '../watched.ts';
import { goCommand, type Go } from './go.ts';
import type { SourceContext } from './source.ts';

const BUILD_TIMEOUT_MS = 3_600_000;

export interface GoBuild {
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

/** Go's own temporary folder: ours, so that a killed build leaves nothing in /tmp, and the next one sweeps it. */
export function scratchFolder({ context }: GoBuild): string {
  return path.join(context.cache.partial, 'go-scratch');
}

/** What is made ready once for all programs of a version. */
export function wrapperFolder({ recipe, version, context }: GoBuild): string {
  const name = `${recipe.module.replaceAll('/', '_')}@v${version.text}`;
  return path.join(context.cache.go, 'wrappers', name);
}

export async function runGo(
  build: GoBuild,
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
