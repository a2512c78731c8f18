/** A program of a Debian package with the libraries and the loader of its suite, so that it runs on a system of any other. */
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { unpackAll, type Mirror } from './debian-packages.ts';

/** Below them the libraries of a package lie directly; plug-ins in folders of their own are not needed. */
const LIBRARY_FOLDERS = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu'];

interface Wanted {
  package: string;
  version: string;
  /** `bookworm/main`, as apt's lists say it. */
  suite: string;
  /** In the package: `usr/sbin/irqbalance`. */
  program: string;
}

interface Taken {
  /** With `sbin/NAME` and `lib/`. */
  packed: string;
  /** Everything that its packages have. */
  tree: string;
}

/** Both folders lie below the mirror's. */
export async function takeWithLibraries(wanted: Wanted, mirror: Mirror): Promise<Taken> {
  const downloads = path.join(mirror.folder, 'downloads');
  await downloadAll(wanted, downloads, mirror);
  const tree = path.join(mirror.folder, 'unpacked');
  await unpackAll(downloads, tree, mirror.signal);
  const packed = path.join(mirror.folder, 'packed');
  for (const name of ['sbin', 'lib']) await mkdir(path.join(packed, name), { recursive: true });
  const { program } = wanted;
  await copyFile(path.join(tree, program), path.join(packed, 'sbin', path.basename(program)));
  for (const folder of LIBRARY_FOLDERS)
    for (const entry of await entriesOf(path.join(tree, folder)))
      if ((entry.isFile() || entry.isSymbolicLink()) && /\.so(?:\.|$)/.test(entry.name))
        await copyFile(
          path.join(entry.parentPath, entry.name),
          path.join(packed, 'lib', entry.name),
        );
  return { packed, tree };
}

/** Everything that apt would install with it on an empty system of that suite. */
async function downloadAll(
  wanted: Wanted,
  target: string,
  { apt, folder, signal }: Mirror,
): Promise<void> {
  await mkdir(path.join(target, 'partial'), { recursive: true });
  const release = wanted.suite.split('/')[0] ?? wanted.suite;
  await apt.run(
    [
      ...(['apt-get', 'install', '--yes', '--download-only', '--no-install-recommends'] as const),
      ...['--target-release', release, '--option', `Dir::Cache::archives=${target}/`],
      `${wanted.package}=${wanted.version}`,
    ],
    folder,
    signal,
  );
}

async function entriesOf(folder: string) {
  return await readdir(folder, { withFileTypes: true }).catch(() => []);
}
