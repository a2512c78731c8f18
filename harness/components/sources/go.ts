/** The user's Go toolchain, pointed at caches of our own. */
import path from 'node:path';
import { z } from 'zod';
import type { Command } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { CacheFolder } from '../cache-folder.ts';
import type { StoreContext } from '../component.ts';
import { goArch } from './source.ts';

const ASK_TIMEOUT_MS = 60_000;
const DOWNLOAD_TIMEOUT_MS = 600_000;
/** Where the official archive is unpacked, which is often not on root's PATH. */
const USUAL_PLACE = '/usr/local/go/bin/go';

/** A compiler that goes on after the controller was killed would only be in the way of the next one. */
const DIES_WITH_US = ['setpriv', '--pdeathsig', 'KILL'] as const;

export interface Go {
  program: string;
  /** `go1.26.8`. */
  version: string;
  env: Readonly<Record<string, string>>;
}

/** Proxy, checksum and private-module settings stay the user's; caches, target and flags are ours. */
function goEnvironment(cache: CacheFolder): Record<string, string> {
  return {
    GOMODCACHE: path.join(cache.go, 'mod'),
    GOCACHE: path.join(cache.go, 'build'),
    GOFLAGS: '-mod=mod',
    GOWORK: 'off',
    GO111MODULE: 'on',
    GOOS: 'linux',
    GOARCH: goArch(),
    CGO_ENABLED: '0',
  };
}

/** Throws `component` where there is no Go toolchain. */
export async function findGo(cache: CacheFolder, signal: AbortSignal): Promise<Go> {
  const env = goEnvironment(cache);
  for (const program of ['go', USUAL_PLACE]) {
    try {
      const asked = { argv: [program, 'env', 'GOVERSION'], env } as const;
      const version = await runOrThrow(local, asked, { timeoutMs: ASK_TIMEOUT_MS, signal });
      return { program, version: version.trim(), env };
    } catch {
      signal.throwIfAborted();
    }
  }
  throw new CoalmineError('component', 'there is no `go` command', {
    wayOut: 'install Go 1.24 or newer, or let coalmine download released binaries',
  });
}

/** A Go command in a folder, at low priority: a build must not starve what the user does meanwhile. */
export function goCommand(
  go: Go,
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Command {
  return {
    argv: [...DIES_WITH_US, 'env', `--chdir=${folder}`, 'nice', '-n', '10', go.program, ...args],
    env: { ...go.env, ...env },
  };
}

const downloadSchema = z.object({
  Path: z.string(),
  Dir: z.string().optional(),
  Error: z.string().optional(),
});

/** Returns the folder with the module's sources (read-only); throws `component` where it is not served. */
export async function downloadModule(
  cache: CacheFolder,
  module: string,
  version: string,
  context: StoreContext,
): Promise<string> {
  const [folder = ''] = await downloadModules(cache, [module], version, context);
  return folder;
}

/** Asks only whether a version is served, which takes a second; throws `component` with those that are. */
export async function demandModule(
  cache: CacheFolder,
  module: string,
  version: string,
  { signal }: StoreContext,
): Promise<void> {
  const go = await findGo(cache, signal);
  const command = goCommand(go, '/', ['list', '-m', `${module}@${version}`]);
  const { exitCode, stderr } = await local.run(command, { timeoutMs: ASK_TIMEOUT_MS, signal });
  if (exitCode === 0) return;
  throw new CoalmineError('component', oneLine(stderr), {
    wayOut: await otherVersions(go, module, version, signal),
  });
}

/** As `downloadModule`, for modules that are published with the same version. */
export async function downloadModules(
  cache: CacheFolder,
  modules: readonly string[],
  version: string,
  context: StoreContext,
): Promise<string[]> {
  if (modules.length === 0) return [];
  const go = await findGo(cache, context.signal);
  const wanted = modules.map((module) => `${module}@${version}`);
  // Outside of any module, so that no go.mod of the user's is read or changed.
  const command = goCommand(go, '/', ['mod', 'download', '-json', ...wanted]);
  const options = { timeoutMs: DOWNLOAD_TIMEOUT_MS, signal: context.signal };
  const { stdout, stderr } = await local.run(command, options);
  const answers = readAnswers(stdout);
  const refused = answers.find((answer) => answer.Dir === undefined);
  if (refused === undefined && answers.length === modules.length)
    return answers.map((answer) => answer.Dir ?? '');
  const why = refused?.Error ?? stderr;
  throw new CoalmineError('component', oneLine(why), {
    wayOut: await otherVersions(go, refused?.Path ?? modules[0] ?? '', version, context.signal),
  });
}

/** `go mod download -json` prints one indented object after the other. */
function readAnswers(stdout: string): z.infer<typeof downloadSchema>[] {
  const objects = stdout.split(/^(?=\{)/m).filter((text) => text.trim() !== '');
  return objects.map((text) => downloadSchema.parse(JSON.parse(text)));
}

/** Names the versions of the same minor release that are served, so that one can be chosen. */
async function otherVersions(
  go: Go,
  module: string,
  version: string,
  signal: AbortSignal,
): Promise<string> {
  const command = goCommand(go, '/', ['list', '-m', '-versions', module]);
  const { stdout } = await local.run(command, { timeoutMs: ASK_TIMEOUT_MS, signal });
  const minor = version.split('.').slice(0, 2).join('.');
  const [, ...all] = stdout.trim().split(/\s+/);
  const near = all.filter((other) => other.startsWith(`${minor}.`));
  if (near.length > 0) return `choose another version; served of ${module}: ${near.join(' ')}`;
  if (all.length > 0)
    return `choose another version; of ${module} no ${minor} is served, the last ones are ${all.slice(-5).join(' ')}`;
  return 'check the version, and that the Go module proxy (GOPROXY) can be reached';
}

function oneLine(text: string): string {
  return text
    .trim()
    .replace(/\s*\n\s*/g, '; ')
    .replace(/\.$/, '');
}
