/** Packages of a Debian mirror: which versions there are, what they depend on, their files unpacked and never installed. */
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Apt } from './apt.ts';

const UNPACK_TIMEOUT_MS = 120_000;

/** An open apt, and a fresh folder that is thrown away afterwards. */
export interface Mirror {
  apt: Apt;
  /** Of its sources.list: one for each suite. */
  lines: readonly string[];
  folder: string;
  signal: AbortSignal;
}

export interface PackageVersion {
  version: string;
  /** `bookworm/main`, as apt's lists say it. */
  suite: string;
}

export async function packageVersions(mirror: Mirror, name: string): Promise<PackageVersion[]> {
  const { apt, folder, signal } = mirror;
  return parseMadison(await apt.run(['apt-cache', 'madison', name], folder, signal));
}

/** Reads `apt-cache madison`: name, version and place, with bars between them. */
export function parseMadison(madison: string): PackageVersion[] {
  return madison.split('\n').flatMap((line) => {
    const [, version = '', place = ''] = line.split('|').map((part) => part.trim());
    return version === '' ? [] : [{ version, suite: place.split(' ')[1] ?? '' }];
  });
}

/** Throws `component` naming what there is instead. */
export function chooseVersion(
  name: string,
  packaged: readonly PackageVersion[],
  isWanted: (version: string) => boolean,
): PackageVersion {
  const found = packaged.find(({ version }) => isWanted(version));
  if (found !== undefined) return found;
  const versions = [...new Set(packaged.map(({ version }) => version))];
  throw new CoalmineError(
    'component',
    versions.length === 0
      ? `no package ${name}`
      : `package ${name} is there as ${versions.join(', ')} only`,
  );
}

/** Returns the names that `name=version` depends on, the first of each choice. */
export async function dependencies(
  mirror: Mirror,
  name: string,
  version: string,
): Promise<string[]> {
  const { apt, folder, signal } = mirror;
  return parseDepends(await apt.run(['apt-cache', 'show', `${name}=${version}`], folder, signal));
}

export function parseDepends(shown: string): string[] {
  const line = /^Depends: (.*)$/m.exec(shown)?.[1] ?? '';
  return line
    .split(',')
    .map((choice) => (choice.split('|')[0] ?? '').replace(/\(.*\)|:any/g, '').trim())
    .filter((name) => name !== '');
}

/** Downloads `name=version` and unpacks it into `target`, beside what is there. */
export async function unpackPackage(
  mirror: Mirror,
  name: string,
  version: string,
  target: string,
): Promise<void> {
  const { apt, signal } = mirror;
  const folder = path.join(mirror.folder, 'downloads', name);
  await mkdir(folder, { recursive: true });
  await apt.run(['apt-get', 'download', `${name}=${version}`], folder, signal);
  await unpackAll(folder, target, signal);
}

/** Unpacks every package file of a folder into one tree. */
export async function unpackAll(
  folder: string,
  target: string,
  signal: AbortSignal,
): Promise<string[]> {
  const archives = (await readdir(folder)).filter((entry) => entry.endsWith('.deb'));
  if (archives.length === 0) throw new CoalmineError('component', `apt left no file in ${folder}`);
  for (const archive of archives)
    await runOrThrow(
      local,
      { argv: ['dpkg-deb', '--extract', path.join(folder, archive), target] },
      { timeoutMs: UNPACK_TIMEOUT_MS, signal, code: 'component' },
    );
  return archives.sort();
}

/** Returns upstream's part of a Debian version: `1:0.27.0+dfsg-1+b2` is `0.27.0`. */
export function upstreamVersion(debian: string): string {
  return debian
    .replace(/^\d+:/, '')
    .replace(/-[^-]*$/, '')
    .replace(/[+~.](?:dfsg|ds|really).*$/, '');
}
