/** Makes the generator one file that needs nothing but a Node.js binary. */
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Writes the bundled generator to `file` (`generator.mjs`). */
export async function bundleGenerator(file: string): Promise<void> {
  await build({
    entryPoints: [entry()],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    legalComments: 'none',
    logLevel: 'silent',
  });
}

/** TypeScript in the repository, JavaScript in the published package. */
function entry(): string {
  const source = fileURLToPath(new URL('./generator/main.ts', import.meta.url));
  return existsSync(source) ? source : source.replace(/\.ts$/, '.js');
}
