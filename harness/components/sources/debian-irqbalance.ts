/**
 * irqbalance of one Debian suite with the libraries and the loader of that suite, so that it runs on a node of another
 * one: a tar with `sbin/irqbalance`, `lib/` and its package's own `irqbalance.service`. How it is started is the tools disk's.
 */
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import { packTree } from '../pack-tree.ts';
import { irqbalanceOf } from '../recipes/irqbalance.ts';
import { chooseVersion, packageVersions, unpackAll, type Mirror } from './debian-packages.ts';
import { rebuildProgram } from './debian-rebuild.ts';

const PROGRAM = 'usr/sbin/irqbalance';
/** Below them the libraries of a package lie directly; plug-ins in folders of their own are not needed. */
const LIBRARY_FOLDERS = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu'];

export async function takeIrqbalance(
  version: string,
  file: string,
  mirror: Mirror,
): Promise<string> {
  const { real, patch } = irqbalanceOf(version);
  const packaged = await packageVersions(mirror, 'irqbalance');
  const found = chooseVersion('irqbalance', packaged, (one) => one === real);
  const { suite } = found;
  const downloads = path.join(mirror.folder, 'downloads');
  await downloadWithLibraries(mirror, real, suite, downloads);
  const tree = path.join(mirror.folder, 'unpacked');
  await unpackAll(downloads, tree, mirror.signal);
  const packed = path.join(mirror.folder, 'packed');
  await arrange(tree, packed);
  if (patch !== undefined) {
    const rebuild = { package: 'irqbalance', version: found, patch, program: `./${PROGRAM}` };
    await copyFile(await rebuildProgram(rebuild, mirror), path.join(packed, 'sbin/irqbalance'));
  }
  await packTree(packed, file, mirror.signal);
  const changed = patch === undefined ? '' : ', built with a change';
  return `Debian ${suite}: irqbalance ${real}${changed}`;
}

/** Everything that apt would install with it on an empty system of that suite. */
async function downloadWithLibraries(
  { apt, folder, signal }: Mirror,
  version: string,
  suite: string,
  target: string,
): Promise<void> {
  await mkdir(path.join(target, 'partial'), { recursive: true });
  const release = suite.split('/')[0] ?? suite;
  await apt.run(
    [
      ...(['apt-get', 'install', '--yes', '--download-only', '--no-install-recommends'] as const),
      ...['--target-release', release, '--option', `Dir::Cache::archives=${target}/`],
      `irqbalance=${version}`,
    ],
    folder,
    signal,
  );
}

async function arrange(tree: string, packed: string): Promise<void> {
  for (const name of ['sbin', 'lib']) await mkdir(path.join(packed, name), { recursive: true });
  await copyFile(path.join(tree, PROGRAM), path.join(packed, 'sbin/irqbalance'));
  for (const folder of LIBRARY_FOLDERS)
    for (const entry of await entriesOf(path.join(tree, folder)))
      if ((entry.isFile() || entry.isSymbolicLink()) && /\.so(?:\.|$)/.test(entry.name))
        await copyFile(
          path.join(entry.parentPath, entry.name),
          path.join(packed, 'lib', entry.name),
        );
  const unit = await firstText(
    ['usr/lib', 'lib'].map((folder) =>
      path.join(tree, folder, 'systemd/system/irqbalance.service'),
    ),
  );
  await writeFile(path.join(packed, 'irqbalance.service'), unit);
}

async function entriesOf(folder: string) {
  return await readdir(folder, { withFileTypes: true }).catch(() => []);
}

async function firstText(files: readonly string[]): Promise<string> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  throw new CoalmineError('component', "irqbalance's package has no unit for systemd");
}
