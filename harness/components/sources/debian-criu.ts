/** CRIU of whatever Debian suite has it: a tar with `sbin/criu` and `lib/`. Distributions have older ones, or none. */
import { packTree } from '../pack-tree.ts';
import { takeWithLibraries } from './debian-libraries.ts';
import { chooseVersion, packageVersions, upstreamVersion, type Mirror } from './debian-packages.ts';

export async function takeCriu(version: string, file: string, mirror: Mirror): Promise<string> {
  const packaged = await packageVersions(mirror, 'criu');
  const found = chooseVersion('criu', packaged, (one) => upstreamVersion(one) === version);
  const wanted = { package: 'criu', ...found, program: 'usr/sbin/criu' };
  const { packed } = await takeWithLibraries(wanted, mirror);
  await packTree(packed, file, mirror.signal);
  return `Debian ${found.suite}: criu ${found.version}`;
}
