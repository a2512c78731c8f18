/** Makes the one file that runs on a node out of agent/node/. */
import path from 'node:path';

/** Writes the program to `outfile` (`.mjs`), which needs nothing but Node.js 20 or later. */
export async function bundleAgent(outfile: string): Promise<void> {
  const { build } = await import('esbuild');
  const extension = path.extname(import.meta.filename);
  await build({
    entryPoints: [path.join(import.meta.dirname, `node/main${extension}`)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'silent',
  });
}
