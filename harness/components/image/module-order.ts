/** Which kernel modules must be loaded, and in which order: `modules.dep` and `modules.builtin` read. Pure. */
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';

/**
 * @param dependencies text of modules.dep: `kernel/a.ko: kernel/b.ko kernel/c.ko`, all that it needs, the deepest last
 * @param builtin text of modules.builtin
 * @returns files below the modules' folder, each after what it needs; nothing for what is in the kernel itself
 */
export function moduleOrder(
  names: readonly string[],
  dependencies: string,
  builtin: string,
): string[] {
  const inKernel = new Set(builtin.split('\n').map(moduleName));
  const needs = new Map<string, string[]>();
  for (const line of dependencies.split('\n')) {
    const [file = '', rest = ''] = line.split(':');
    if (file !== '') needs.set(moduleName(file), [...words(rest).reverse(), file]);
  }
  const files = names.flatMap((name) => {
    if (inKernel.has(name)) return [];
    const found = needs.get(name);
    if (found === undefined)
      throw new CoalmineError('component', `the kernel has no module ${name}`);
    return found;
  });
  return [...new Set(files)];
}

/** Returns `virtio_blk` for `kernel/drivers/block/virtio-blk.ko.xz`: the kernel takes both spellings for one name. */
function moduleName(file: string): string {
  return path.posix
    .basename(file.trim())
    .replace(/\.ko(?:\..*)?$/, '')
    .replaceAll('-', '_');
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}
