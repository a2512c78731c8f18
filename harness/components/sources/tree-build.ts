/** Builds a program inside a copy of its module's sources, where these lack what Go wants of a module today. */
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { kubeProxy113Files } from '../recipes/kube-proxy-1.13.ts';
import { linkerFlags } from '../recipes/recipe.ts';
import { runGo, wrapperFolder, type GoBuild } from './go-build.ts';
import { downloadModule } from './go.ts';

const COPY_TIMEOUT_MS = 120_000;
/** Of some hundred megabytes of sources, those that a program's own imports can reach. */
const FOLDERS = ['cmd', 'pkg', 'staging', 'third_party'];

export async function buildInTree(build: GoBuild): Promise<void> {
  const folder = wrapperFolder(build);
  const goMod = path.join(folder, 'go.mod');
  if ((await stat(goMod).catch(() => undefined)) === undefined) await copyTree(build, folder);
  const { recipe, version, file } = build;
  const flags = ['-v', '-trimpath', '-ldflags', linkerFlags(recipe, version)];
  await runGo(build, folder, ['build', ...flags, '-o', file, recipe.package]);
}

/** Made beside its place and moved in: a go.mod that is there is that of a whole tree. */
async function copyTree({ recipe, version, context }: GoBuild, folder: string): Promise<void> {
  const source = await downloadModule(context.cache, recipe.module, `v${version.text}`, context);
  const fresh = `${folder}.partial`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  // Go's module cache is read-only, and its modes would come along.
  await runOrThrow(
    local,
    {
      argv: [
        'cp',
        '--recursive',
        '--no-preserve=mode',
        `--target-directory=${fresh}`,
        ...FOLDERS.map((name) => path.join(source, name)),
      ],
    },
    { timeoutMs: COPY_TIMEOUT_MS, signal: context.signal, code: 'component' },
  );
  const names = await readdir(path.join(fresh, 'staging/src/k8s.io'));
  for (const [name, text] of kubeProxy113Files(names.map((one) => `k8s.io/${one}`))) {
    await mkdir(path.dirname(path.join(fresh, name)), { recursive: true });
    await writeFile(path.join(fresh, name), text);
  }
  await rename(fresh, folder);
}
