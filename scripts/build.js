/**
 * Makes dist/, which is what the package ships: harness/ file by file as JavaScript (so that `import.meta` and lazy
 * imports mean the same as in the repository), the programs for nodes and pods as one file each, and the k6 scripts.
 */
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';

const ROOT = path.resolve(import.meta.dirname, '..');
const HARNESS = path.join(ROOT, 'harness');
const DIST = path.join(ROOT, 'dist');
/** Not Node.js: k6 reads these as TypeScript. */
const K6 = path.join('load', 'http', 'k6');

const OPTIONS = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
};

/** Nothing is bundled: other files are named with the ending that they will have, packages stay imports. */
const imports = {
  name: 'imports',
  setup(setup) {
    setup.onResolve({ filter: /.*/ }, ({ kind, path: target }) => {
      if (kind === 'entry-point') return undefined;
      const isOurs = target.startsWith('.') && target.endsWith('.ts');
      return { path: isOurs ? target.replace(/\.ts$/, '.js') : target, external: true };
    });
  },
};

async function compile(files) {
  await build({
    entryPoints: files.map((file) => path.join(HARNESS, file)),
    outbase: HARNESS,
    outdir: DIST,
    plugins: [imports],
    ...OPTIONS,
  });
}

/**
 * The command itself is one file with the options of all commands: `--help` reads those, and a dozen small files more take
 * half as long as Node.js takes to start. Other rooms stay imports, so that there is one CoalmineError, and lazy ones lazy.
 */
async function bundleCommand() {
  const siblings = {
    name: 'siblings',
    setup(setup) {
      setup.onResolve({ filter: /^\.\// }, ({ kind, importer, path: target }) =>
        kind === 'import-statement'
          ? { path: path.join(path.dirname(importer), target) }
          : undefined,
      );
    },
  };
  await build({
    entryPoints: [path.join(HARNESS, 'cli', 'main.ts')],
    outfile: path.join(DIST, 'cli', 'main.js'),
    plugins: [siblings, imports],
    ...OPTIONS,
  });
}

/** What the code reads beside itself at run time, such as a template. */
async function copyOthers(files) {
  for (const file of files) await cp(path.join(HARNESS, file), path.join(DIST, file));
}

/** With the same code that bundles them in the repository, compiled a moment ago. */
async function bundlePrograms() {
  const { bundleEntry, PROGRAMS } = await import(path.join(DIST, 'components', 'bundle-entry.js'));
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
await compile(files.filter((file) => file.endsWith('.ts') && !isK6(file)));
await bundleCommand();
await copyOthers(
  files.filter((file) => !file.endsWith('.ts') && !isK6(file) && !isForPeople(file)),
);
const scripts = files.filter((file) => isK6(file) && file.endsWith('.ts'));
for (const file of scripts)
  await cp(path.join(HARNESS, file), path.join(DIST, 'k6', path.basename(file)));
await bundlePrograms();
await makeExecutable(path.join(DIST, 'cli', 'main.js'));
