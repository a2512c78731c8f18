/**
 * A program of a Debian package, built again from its source package with a change: in a root file system of its suite that
 * mmdebstrap makes for this and takes away again, with the dependencies and the flags that Debian builds it with.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Mirror, PackageVersion } from './debian-packages.ts';

const BUILD_TIMEOUT_MS = 1_200_000;
const SCRIPT = 'build.sh';

/** Constant: what differs is in files beside it. */
const SCRIPT_TEXT = `set -eu
cd /build
read -r package < package
read -r version < version
read -r program < program
export DEBIAN_FRONTEND=noninteractive DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)"
apt-get --yes build-dep "$package=$version"
apt-get source "$package=$version"
cd "$package"-*/
patch --strip=1 --fuzz=0 < ../change.patch
dpkg-buildpackage --build=any --unsigned-changes
dpkg-deb --fsys-tarfile ../"$package"_*.deb | tar --extract --to-stdout "$program" > ../built
`;

export interface Rebuild {
  package: string;
  version: PackageVersion;
  /** A unified diff, applied with `patch --strip=1`. */
  patch: string;
  /** The program in the package: `./usr/sbin/irqbalance`. */
  program: string;
}

/** Needs root. Returns the path of the program, below the mirror's folder. */
export async function rebuildProgram(rebuild: Rebuild, mirror: Mirror): Promise<string> {
  const suite = rebuild.version.suite.split('/')[0] ?? '';
  const binaries = mirror.lines.filter((line) => line.includes(` ${suite} `));
  const sources = binaries.map((line) => line.replace(/^deb /, 'deb-src '));
  const files = {
    ...{ package: `${rebuild.package}\n`, version: `${rebuild.version.version}\n` },
    ...{ program: `${rebuild.program}\n`, 'change.patch': rebuild.patch, [SCRIPT]: SCRIPT_TEXT },
  };
  for (const [name, text] of Object.entries(files))
    await writeFile(path.join(mirror.folder, name), text);
  const argv = mmdebstrapArgv(suite, Object.keys(files), [...binaries, ...sources]);
  await runOrThrow(
    local,
    // Its hooks name files by what they are called here; what it leaves when it is killed is thrown away with the rest.
    { argv: ['env', `--chdir=${mirror.folder}`, `TMPDIR=${mirror.folder}`, ...argv] },
    {
      ...{ timeoutMs: BUILD_TIMEOUT_MS, signal: mirror.signal, code: 'component' },
      wayOut:
        'Check that mmdebstrap is installed, that you are root, and that the mirror has source packages (`coalmine doctor`).',
    },
  );
  return path.join(mirror.folder, 'built');
}

function mmdebstrapArgv(
  suite: string,
  files: readonly string[],
  lines: readonly string[],
): readonly string[] {
  return [
    ...['mmdebstrap', '--quiet', '--variant=minbase', '--format=null'],
    '--aptopt=Apt::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=Acquire::Retries "3"',
    '--include=dpkg-dev,patch',
    '--customize-hook=mkdir "$1/build"',
    `--customize-hook=copy-in ${files.join(' ')} /build`,
    `--chrooted-customize-hook=sh /build/${SCRIPT}`,
    '--customize-hook=copy-out /build/built .',
    ...[suite, '/dev/null', ...lines],
  ];
}
