/**
 * Makes dist/, which is what the package ships: the command, the programs for nodes and pods as one file each, the k6
 * scripts, and what the code reads beside itself.
 */
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { tsImport } from 'tsx/esm/api';

const ROOT = path.resolve(import.meta.dirname, '..');
const HARNESS = path.join(ROOT, 'harness');
const DIST = path.join(ROOT, 'dist');
/** Not Node.js: k6 reads these as TypeScript. */
const K6 = path.join('load', 'http', 'k6');

const { bundleEntry, PROGRAMS, REQUIRE } = await tsImport(
  '../harness/components/bundle-entry.ts',
  import.meta.url,
);

const OPTIONS = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
};

/**
 * The command with all that it imports, packages too, in few files: a run starts the program twice, and a third of a second
 * each time went into finding and reading a thousand small ones. What is imported lazily stays in files of its own. All lie
 * as deep as the sources do, so that `import.meta` means the same.
 */
async function bundleCommand() {
  await build({
    // The second only passes on what the command has: it tells where the programs are.
    entryPoints: ['cli/main.ts', 'components/bundle.ts'].map((file) => path.join(HARNESS, file)),
    outbase: HARNESS,
    outdir: DIST,
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
    // It brings a binary, and only the repository bundles at run time.
    external: ['esbuild'],
    // Half of the Kubernetes client is space, which is read, decoded and parsed each time. Names stay for stack traces.
    ...{ minifyWhitespace: true, minifySyntax: true },
    banner: { js: REQUIRE },
    ...OPTIONS,
  });
}

/** What the code reads beside itself at run time, such as a template. */
async function copyOthers(files) {
  for (const file of files) await cp(path.join(HARNESS, file), path.join(DIST, file));
}

/** With the same code that bundles them in the repository. */
async function bundlePrograms() {
  await mkdir(path.join(DIST, 'programs'));
  for (const [name, entry] of Object.entries(PROGRAMS)) {
    const content = await bundleEntry(path.join(HARNESS, entry));
    await writeFile(path.join(DIST, 'programs', `${name}.mjs`), content);
  }
}

async function makeExecutable(file) {
  const text = await readFile(file, 'utf8');
  if (!text.startsWith('#!')) await writeFile(file, `#!/usr/bin/env node\n${text}`);
  await chmod(file, 0o755);
}

const all = await readdir(HARNESS, { recursive: true, withFileTypes: true });
const files = all
  .filter((entry) => entry.isFile())
  .map((entry) => path.relative(HARNESS, path.join(entry.parentPath, entry.name)));
const isK6 = (file) => file.startsWith(K6 + path.sep);
const isForPeople = (file) => file.endsWith('.md');

await rm(DIST, { recursive: true, force: true });
await bundleCommand();
await copyOthers(
  files.filter((file) => !file.endsWith('.ts') && !isK6(file) && !isForPeople(file)),
);
const scripts = files.filter((file) => isK6(file) && file.endsWith('.ts'));
for (const file of scripts)
  await cp(path.join(HARNESS, file), path.join(DIST, 'k6', path.basename(file)));
await bundlePrograms();
await makeExecutable(path.join(DIST, 'cli', 'main.js'));
