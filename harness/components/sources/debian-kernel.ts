/**
 * A Debian kernel of a series (`6.1`): one tar with `vmlinuz`, `release` and `modules/RELEASE/`, as depmod left it. It is
 * the `cloud` flavour: small, and it has all that a node needs (virtio, overlayfs, IPVS, netfilter, netem).
 */
import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { packTree } from '../pack-tree.ts';
import {
  dependencies,
  packageVersions,
  unpackPackage,
  type Mirror,
  type PackageVersion,
} from './debian-packages.ts';
import { goArch } from './source.ts';

/** Depends on the package of the suite's newest kernel. */
const META = `linux-image-cloud-${goArch()}`;
const KERNEL_PACKAGE = /^linux-(?:image|base|binary|modules)-\d/;
/** What the kernel's package has and no node reads; beside it `build` and `source` are links to nowhere. */
const LEFT_OUT = ['build', 'source', 'vmlinuz', 'config', 'System.map'];

export async function takeKernel(series: string, file: string, mirror: Mirror): Promise<string> {
  const { version, suite } = chooseKernel(series, await packageVersions(mirror, META));
  const tree = path.join(mirror.folder, 'unpacked');
  const packages = await unpackKernel(mirror, META, version, tree);
  const packed = path.join(mirror.folder, 'packed');
  await arrange(tree, packed, mirror.signal);
  await packTree(packed, file, mirror.signal);
  return `Debian ${suite}: ${packages.join(', ')} ${version}`;
}

/** Throws `component` naming the series that there are. */
export function chooseKernel(series: string, packaged: readonly PackageVersion[]): PackageVersion {
  const found = packaged.find(({ version }) => seriesOf(version) === series);
  if (found !== undefined) return found;
  const there = [...new Set(packaged.map(({ version }) => seriesOf(version)))];
  throw new CoalmineError(
    'component',
    `no Debian suite of the mirror has a kernel ${series} (${META}); there are ${there.sort(bySeries).join(', ') || 'none'}`,
    { wayOut: 'take one of the kernels that there are' },
  );
}

function seriesOf(version: string): string {
  return /^\d+\.\d+/.exec(version)?.[0] ?? version;
}

function bySeries(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}

/** In newer suites the image is a shell around packages of the binary and of the modules. Returns what was unpacked. */
async function unpackKernel(
  mirror: Mirror,
  name: string,
  version: string,
  tree: string,
  unpacked: string[] = [],
): Promise<string[]> {
  const parts = (await dependencies(mirror, name, version)).filter((one) =>
    KERNEL_PACKAGE.test(one),
  );
  if (name === META && parts.length === 0)
    throw new CoalmineError('component', `${name} ${version} depends on no kernel`);
  for (const part of parts) {
    if (unpacked.includes(part)) continue;
    unpacked.push(part);
    await unpackPackage(mirror, part, version, tree);
    await unpackKernel(mirror, part, version, tree, unpacked);
  }
  return unpacked;
}

async function arrange(tree: string, packed: string, signal: AbortSignal): Promise<void> {
  const modules = await firstThere([
    path.join(tree, 'usr/lib/modules'),
    path.join(tree, 'lib/modules'),
  ]);
  const [release = ''] = await readdir(modules);
  const ownModules = path.join(modules, release);
  await mkdir(path.join(packed, 'lib'), { recursive: true });
  const vmlinuz = [path.join(tree, 'boot', `vmlinuz-${release}`), path.join(ownModules, 'vmlinuz')];
  await rename(await firstThere(vmlinuz), path.join(packed, 'vmlinuz'));
  for (const name of LEFT_OUT) await rm(path.join(ownModules, name), { force: true });
  // depmod looks below lib/modules of its base.
  await rename(modules, path.join(packed, 'lib/modules'));
  await writeFile(path.join(packed, 'release'), `${release}\n`);
  await runOrThrow(
    local,
    { argv: ['depmod', '--basedir', packed, release] },
    { timeoutMs: 120_000, signal, code: 'component', wayOut: 'Install kmod (`coalmine setup`).' },
  );
  await rename(path.join(packed, 'lib/modules'), path.join(packed, 'modules'));
  await rm(path.join(packed, 'lib'), { recursive: true });
}

async function firstThere(files: readonly string[]): Promise<string> {
  for (const file of files) {
    const isThere = await access(file).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  throw new CoalmineError('component', `the kernel's packages have none of ${files.join(', ')}`);
}
