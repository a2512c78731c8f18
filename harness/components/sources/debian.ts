/** A component's .deb from the configured Debian mirror, of any suite, unpacked and never installed. */
import { mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { ComponentName, ComponentRef } from '../component.ts';
import { withLock } from '../lock.ts';
import { hostMirrorLines, openApt } from './apt.ts';
import type { Provenance, Source, SourceContext } from './source.ts';

const UNPACK_TIMEOUT_MS = 120_000;

/** Debian's package of a component, and the program in it. */
const PACKAGES: Readonly<Partial<Record<ComponentName, { name: string; member: string }>>> = {
  kind: { name: 'kind', member: 'usr/bin/kind' },
  etcd: { name: 'etcd-server', member: 'usr/bin/etcd' },
};

export const debianSource: Source = debianSourceWith(hostMirrorLines);

/** `sourceLines` gives the lines of a sources.list. */
export function debianSourceWith(sourceLines: (signal: AbortSignal) => Promise<string[]>): Source {
  return {
    name: 'debian',
    // Package lists take a while to fetch: whether the version is in them is seen when it is needed.
    offers: ({ component }) => Promise.resolve(void packageOf(component)),
    fetch: async (ref, file, context) => {
      const wanted = packageOf(ref.component);
      const lock = path.join(context.cache.locks, 'apt.lock');
      return await withLock(lock, `asking Debian for ${wanted.name}`, context, async () =>
        fetchPackage(ref, wanted, file, context, await sourceLines(context.signal)),
      );
    },
  };
}

function packageOf(component: ComponentName): { name: string; member: string } {
  const wanted = PACKAGES[component];
  if (wanted !== undefined) return wanted;
  throw new CoalmineError('component', 'not packaged');
}

async function fetchPackage(
  { version }: ComponentRef,
  { name, member }: { name: string; member: string },
  file: string,
  context: SourceContext,
  lines: readonly string[],
): Promise<Provenance> {
  const { signal } = context;
  context.say(`${name} ${version}: looking it up in Debian's package lists`);
  const apt = await openApt(context.cache, lines, signal);
  const folder = `${file}.deb`;
  await mkdir(folder, { recursive: true });
  const packaged = packagedVersions(await apt.run(['apt-cache', 'madison', name], folder, signal));
  const match = packaged.find((candidate) => upstreamVersion(candidate) === version);
  if (match === undefined)
    throw new CoalmineError(
      'component',
      packaged.length === 0
        ? `no package ${name}`
        : `package ${name} is there as ${packaged.join(', ')} only`,
    );
  await apt.run(['apt-get', 'download', `${name}=${match}`], folder, signal);
  const [archive] = (await readdir(folder)).filter((entry) => entry.endsWith('.deb'));
  if (archive === undefined) throw new CoalmineError('component', `apt left no file of ${name}`);
  const unpacked = path.join(folder, 'unpacked');
  await runOrThrow(
    local,
    { argv: ['dpkg-deb', '--extract', path.join(folder, archive), unpacked] },
    { timeoutMs: UNPACK_TIMEOUT_MS, signal, code: 'component' },
  );
  await rename(path.join(unpacked, member), file);
  return { origin: `Debian package ${name} ${match}`, toolchain: '', build: 'none' };
}

/** Reads `apt-cache madison`: name, version and place, with bars between them. */
export function packagedVersions(madison: string): string[] {
  const versions = madison
    .split('\n')
    .map((line) => line.split('|')[1]?.trim() ?? '')
    .filter((version) => version !== '');
  return [...new Set(versions)];
}

/** Returns upstream's part of a Debian version: `1:0.27.0+dfsg-1+b2` is `0.27.0`. */
export function upstreamVersion(debian: string): string {
  return debian
    .replace(/^\d+:/, '')
    .replace(/-[^-]*$/, '')
    .replace(/[+~.](?:dfsg|ds|really).*$/, '');
}
