/** Installs what a run calls on this machine, with apt. Only `coalmine setup` calls it, and it says what it does. */
import { readFile } from 'node:fs/promises';
import { CoalmineError } from '../core/errors.ts';
import { local } from '../exec/local.ts';
import { runOrThrow } from '../exec/run-or-throw.ts';

const UPDATE_MS = 5 * 60_000;
const INSTALL_MS = 20 * 60_000;

export interface InstallOptions {
  packages: readonly string[];
  /** Suite from which they are taken where the machine's own has older ones: `bookworm-backports`. */
  targetRelease?: string;
  say: (line: string) => void;
  signal: AbortSignal;
}

const APT = { env: { DEBIAN_FRONTEND: 'noninteractive' } };

/** Idempotent. Throws `preflight`, having touched nothing, where this is not root or not Debian or Ubuntu. */
export async function installPackages(options: InstallOptions): Promise<void> {
  const { packages, targetRelease, say, signal } = options;
  await updatePackageLists(options);
  const all = [...packages, ...(await dockerCli(packages))];
  const from = targetRelease === undefined ? [] : ['--target-release', targetRelease];
  const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...from] as const;
  const suite = targetRelease === undefined ? '' : `, from ${targetRelease}`;
  say(`installing on this machine with apt${suite}: ${all.join(' ')}`);
  await runOrThrow(
    local,
    { argv: [...install, ...all], ...APT },
    {
      timeoutMs: INSTALL_MS,
      signal,
      wayOut: 'run the command by hand to see what apt asks for, then `coalmine setup` again',
    },
  );
}

export async function updatePackageLists({ packages, say, signal }: InstallOptions): Promise<void> {
  await demandAptAsRoot(packages);
  say('apt-get update');
  await runOrThrow(
    local,
    { argv: ['apt-get', 'update', '-q'], ...APT },
    { timeoutMs: UPDATE_MS, signal },
  );
}

/** From Debian 13 on the CLI is a package of its own, which docker.io only recommends. */
async function dockerCli(packages: readonly string[]): Promise<string[]> {
  if (!packages.includes('docker.io')) return [];
  const known = await local.run(
    { argv: ['apt-cache', 'show', 'docker-cli'] },
    { timeoutMs: 60_000 },
  );
  return known.exitCode === 0 ? ['docker-cli'] : [];
}

async function demandAptAsRoot(packages: readonly string[]): Promise<void> {
  const refusal = await aptRefusal();
  if (refusal === undefined) return;
  throw new CoalmineError('preflight', `cannot install ${packages.join(', ')}: ${refusal}`, {
    wayOut: 'Install them yourself; instead of docker.io any Docker engine that answers will do.',
  });
}

/** Returns why apt may not be used on this machine, or undefined where it may. */
export async function aptRefusal(): Promise<string | undefined> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return installRefusal(release, process.getuid?.() ?? -1);
}

/** Returns why apt may not be used, from the text of /etc/os-release, or undefined where it may. */
export function installRefusal(osRelease: string, uid: number): string | undefined {
  const ids = [...osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap(([, value = '']) =>
    value.split(' '),
  );
  if (!ids.includes('debian') && !ids.includes('ubuntu'))
    return `only Debian and Ubuntu are known, and this is ${ids[0] ?? 'unknown'}`;
  return uid === 0 ? undefined : 'this is not root';
}
