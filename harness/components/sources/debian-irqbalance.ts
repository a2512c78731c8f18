/**
 * irqbalance of one Debian suite, for a node of another one: a tar with `sbin/irqbalance`, `lib/` and its package's own
 * `irqbalance.service`. How it is started is the tools disk's.
 */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import { packTree } from '../pack-tree.ts';
import { irqbalanceOf } from '../recipes/irqbalance.ts';
import { takeWithLibraries } from './debian-libraries.ts';
import { chooseVersion, packageVersions, type Mirror } from './debian-packages.ts';
import { rebuildProgram } from './debian-rebuild.ts';

const PROGRAM = 'usr/sbin/irqbalance';

export async function takeIrqbalance(
  version: string,
  file: string,
  mirror: Mirror,
): Promise<string> {
  const { real, patch } = irqbalanceOf(version);
  const packaged = await packageVersions(mirror, 'irqbalance');
  const found = chooseVersion('irqbalance', packaged, (one) => one === real);
  const { suite } = found;
  const wanted = { package: 'irqbalance', version: real, suite, program: PROGRAM };
  const { packed, tree } = await takeWithLibraries(wanted, mirror);
  await writeFile(path.join(packed, 'irqbalance.service'), await unitIn(tree));
  if (patch !== undefined) {
    const rebuild = { package: 'irqbalance', version: found, patch, program: `./${PROGRAM}` };
    await copyFile(await rebuildProgram(rebuild, mirror), path.join(packed, 'sbin/irqbalance'));
  }
  await packTree(packed, file, mirror.signal);
  const changed = patch === undefined ? '' : ', built with a change';
  return `Debian ${suite}: irqbalance ${real}${changed}`;
}

async function unitIn(tree: string): Promise<string> {
  for (const folder of ['usr/lib', 'lib']) {
    const file = path.join(tree, folder, 'systemd/system/irqbalance.service');
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  throw new CoalmineError('component', "irqbalance's package has no unit for systemd");
}
