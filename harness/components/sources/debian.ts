/** Components out of the configured Debian mirror's packages, of any suite; they are unpacked and never installed. */
import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import type { ComponentName, ComponentRef } from '../component.ts';
import { withLock } from '../lock.ts';
import { hostMirrorLines, openApt } from './apt.ts';
import { takeCriu } from './debian-criu.ts';
import { takeIrqbalance } from './debian-irqbalance.ts';
import { takeKernel } from './debian-kernel.ts';
import {
  chooseVersion,
  packageVersions,
  unpackPackage,
  upstreamVersion,
  type Mirror,
} from './debian-packages.ts';
import type { Provenance, Source, SourceContext } from './source.ts';

/** Puts a version of one component at `file` and returns where it came from. */
type Take = (version: string, file: string, mirror: Mirror) => Promise<string>;

const TAKES: Readonly<Partial<Record<ComponentName, Take>>> = {
  kind: program('kind', 'usr/bin/kind'),
  etcd: program('etcd-server', 'usr/bin/etcd'),
  busybox: program('busybox-static', 'bin/busybox'),
  kernel: takeKernel,
  irqbalance: takeIrqbalance,
  criu: takeCriu,
};

export const debianSource: Source = debianSourceWith(hostMirrorLines);

/** `sourceLines` gives the lines of a sources.list. */
export function debianSourceWith(sourceLines: (signal: AbortSignal) => Promise<string[]>): Source {
  return {
    name: 'debian',
    // Package lists take a while to fetch: whether the version is in them is seen when it is needed.
    offers: ({ component }) => Promise.resolve(void takerOf(component)),
    fetch: async (ref, file, context) => {
      const take = takerOf(ref.component);
      const lock = path.join(context.cache.locks, 'apt.lock');
      return await withLock(lock, `asking Debian for ${ref.component}`, context, async () =>
        takeFrom(await sourceLines(context.signal), take, ref, file, context),
      );
    },
  };
}

function takerOf(component: ComponentName): Take {
  const take = TAKES[component];
  if (take !== undefined) return take;
  throw new CoalmineError('component', 'not packaged');
}

async function takeFrom(
  lines: readonly string[],
  take: Take,
  { component, version }: ComponentRef,
  file: string,
  { cache, say, signal }: SourceContext,
): Promise<Provenance> {
  say(`${component} ${version}: looking it up in Debian's package lists`);
  const apt = await openApt(cache, lines, signal);
  const folder = `${file}.deb`;
  await mkdir(folder, { recursive: true });
  const origin = await take(version, file, { apt, lines, folder, signal });
  return { origin, toolchain: '', build: 'none' };
}

/** A component that is one program of one package, known by upstream's version. */
function program(name: string, member: string): Take {
  return async (version, file, mirror) => {
    const packaged = await packageVersions(mirror, name);
    const match = chooseVersion(name, packaged, (one) => upstreamVersion(one) === version).version;
    const unpacked = path.join(mirror.folder, 'unpacked');
    await unpackPackage(mirror, name, match, unpacked);
    await rename(path.join(unpacked, member), file);
    return `Debian package ${name} ${match}`;
  };
}
