/** apt with a state of its own below the cache: it reads the host's mirror and keys, and changes nothing of the host's. */
import { access, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { CacheFolder } from '../cache-folder.ts';
import { goArch } from './source.ts';

const ASK_TIMEOUT_MS = 30_000;
const TRANSFER_TIMEOUT_MS = 300_000;
/** Each has its own kernel and irqbalance; nothing of them is ever installed on the host. */
const SUITES = ['bullseye', 'bookworm', 'trixie', 'forky', 'sid'] as const;
const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

export interface Apt {
  /** Runs an apt command with the private state, in `folder`. */
  run(argv: readonly [string, ...string[]], folder: string, signal: AbortSignal): Promise<string>;
}

/** Returns lines for a sources.list: the host's own Debian mirror with every suite that we look into. */
export async function hostMirrorLines(signal: AbortSignal): Promise<string[]> {
  const format = '$(ORIGIN)|$(COMPONENT)|$(RELEASE)|$(REPO_URI)';
  const argv = ['apt-get', 'indextargets', '--format', format, 'Created-By: Packages'] as const;
  const mirror = findDebianMirror(await runApt({ argv }, ASK_TIMEOUT_MS, signal));
  if (mirror === undefined)
    throw new CoalmineError('component', "no Debian mirror is among apt's sources");
  const hasKeyring = await access(DEBIAN_KEYRING).then(
    () => true,
    () => false,
  );
  const key = hasKeyring ? `[signed-by=${DEBIAN_KEYRING}] ` : '';
  return SUITES.map((suite) => `deb ${key}${mirror} ${suite} main`);
}

/** Reads `ORIGIN|COMPONENT|RELEASE|REPO_URI` lines; before the first update apt does not know the origin yet. */
export function findDebianMirror(targets: string): string | undefined {
  for (const line of targets.split('\n')) {
    const [origin = '', component, release = '', uri = ''] = line.split('|');
    const isDebian =
      origin === 'Debian' ||
      (origin.startsWith('$') || origin === '' ? /\/debian\/?$/.test(uri) : false);
    if (isDebian && component === 'main' && !release.includes('-')) return uri;
  }
  return undefined;
}

/** Prepares the private state and fetches the package lists of `lines`; unchanged lists are not fetched again. */
export async function openApt(
  cache: CacheFolder,
  lines: readonly string[],
  signal: AbortSignal,
): Promise<Apt> {
  const folder = cache.apt;
  for (const name of ['lists/partial', 'archives/partial', 'parts'])
    await mkdir(path.join(folder, name), { recursive: true });
  await writeFile(path.join(folder, 'status'), '');
  await writeFile(path.join(folder, 'sources.list'), `${lines.join('\n')}\n`);
  const config = path.join(folder, 'apt.conf');
  const host = await runApt({ argv: ['apt-config', 'dump', 'Acquire'] }, ASK_TIMEOUT_MS, signal);
  await writeFile(config, aptConfig(folder, transferSettings(host)));
  const env = { APT_CONFIG: config };
  await runApt({ argv: ['apt-get', '--error-on=any', 'update'], env }, TRANSFER_TIMEOUT_MS, signal);
  return {
    run: (argv, where, stop) =>
      runApt({ argv: ['env', `--chdir=${where}`, ...argv], env }, TRANSFER_TIMEOUT_MS, stop),
  };
}

/** Keeps how the host reaches its mirrors (proxies, retries, validity) and drops which extra indexes it wants. */
export function transferSettings(dump: string): string {
  return dump
    .split('\n')
    .filter(
      (line) => line.startsWith('Acquire::') && !/^Acquire::(IndexTargets|Languages)\b/.test(line),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** The host's configuration parts are left out: their hooks would act on the host's own state. */
function aptConfig(folder: string, transfer: string): string {
  const settings: Record<string, string> = {
    'Dir::Etc::parts': path.join(folder, 'parts'),
    'Dir::Etc::sourcelist': path.join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::Etc::preferences': '-',
    'Dir::Etc::preferencesparts': '-',
    'Dir::State': folder,
    'Dir::State::status': path.join(folder, 'status'),
    'Dir::Cache': folder,
    'APT::Architecture': goArch(),
    'APT::Architectures': goArch(),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  };
  const own = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  return transfer + own.join('');
}

function runApt(command: Command, timeoutMs: number, signal: AbortSignal): Promise<string> {
  return runOrThrow(local, command, { timeoutMs, signal, code: 'component' });
}
