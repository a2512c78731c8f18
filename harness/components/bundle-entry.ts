/** Bundles one of our own programs into a single ES module; the package's build (scripts/build.js) does it with the same code. */
import { CoalmineError, messageOf } from '../core/errors.ts';

/** Entry files of the programs that run elsewhere, below harness/. */
export const PROGRAMS = {
  agent: 'agent/node/main.ts',
  generator: 'load/generator/main.ts',
  machine: 'providers/vm/machine-program.ts',
} as const;
export type ProgramName = keyof typeof PROGRAMS;

/**
 * CommonJS dependencies ask for `require`, which an ES module does not have.
 * @public scripts/build.js needs it, too
 */
export const REQUIRE =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";

export async function bundleEntry(entry: string): Promise<Uint8Array> {
  // Lazily: only the repository bundles at run time.
  const { build } = await import('esbuild');
  try {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'silent',
      banner: { js: REQUIRE },
    });
    const [output] = outputFiles;
    if (output === undefined) throw new Error('esbuild gave no output');
    return output.contents;
  } catch (error) {
    throw new CoalmineError('component', `cannot bundle ${entry}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
