/**
 * A tree of processes as files, and the same tree again: CRIU. Connections stay established on both sides, as long as
 * whoever is on the other side stands still meanwhile and goes on together with it; monotonic clocks go on where they were
 * (time_namespaces(7)), so that nobody inside takes the time between for a silence.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { prettyCommand, type Command } from '../../core/command.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';

/** A file in the tree's folder. */
const HOOK = 'dump.sh';
const CHECK_MS = 10_000;
const DUMP_MS = 60_000;

export interface Criu {
  /** Folder with `sbin/criu` and the libraries that it needs. */
  readonly folder: string;
}

const COMMON = ['--tcp-established', '--file-locks', '--manage-cgroups=ignore', '-v2'];
/** Who else could send something stands still. */
const DUMP = ['--leave-running', '--network-lock', 'skip', '--force-irmap'];

function criuArgv({ folder }: Criu, words: readonly string[]): [string, ...string[]] {
  const library = path.join(folder, 'lib');
  const loader = path.join(library, 'ld-linux-x86-64.so.2');
  return [loader, '--library-path', library, path.join(folder, 'sbin/criu'), ...words];
}

/** Returns why it cannot work on this kernel, or as this user. */
export async function checkpointRefusal(criu: Criu): Promise<string | undefined> {
  const argv = criuArgv(criu, ['check']);
  const { exitCode, stdout, stderr } = await local.run({ argv }, { timeoutMs: CHECK_MS });
  if (exitCode === 0) return undefined;
  return `${stdout}\n${stderr}`.trim().split('\n').at(-1) ?? '';
}

export interface Dump {
  /** Of the tree's first process. */
  readonly pid: number;
  /** An empty folder. */
  readonly into: string;
  readonly log: string;
  /** Of the tree: whatever its programs watch lies below it, which a tmpfs does not tell. */
  readonly folder: string;
  /** What is done while it stands still. */
  readonly meanwhile: Command;
}

/** The tree goes on afterwards. Throws where it could not be saved, or the command failed. */
export async function dumpTree(criu: Criu, dump: Dump): Promise<void> {
  const { pid, into, log, folder, meanwhile } = dump;
  const hook = path.join(folder, HOOK);
  await writeFile(hook, hookText(meanwhile), { mode: 0o700 });
  const words = ['dump', '--tree', String(pid), '--images-dir', into, '--log-file', log];
  const ours = ['--action-script', hook, '--irmap-scan-path', folder];
  const argv = criuArgv(criu, [...words, ...COMMON, ...DUMP, ...ours]);
  try {
    await runOrThrow(local, { argv }, { timeoutMs: DUMP_MS, code: 'provision' });
  } catch (error) {
    const said = await readFile(log, 'utf8').catch(() => '');
    throw new CoalmineError('provision', `${messageOf(error)}\n${said.trim()}`, { cause: error });
  }
}

function hookText(meanwhile: Command): string {
  const only = `[ "$CRTOOLS_SCRIPT_ACTION" = post-dump ] || exit 0`;
  return `#!/bin/sh\n${only}\nexec ${prettyCommand(meanwhile)}\n`;
}

/** Goes on as its parent for as long as the tree lives. */
export function restoreArgv(
  criu: Criu,
  { from, log, pidFile }: { from: string; log: string; pidFile: string },
): [string, ...string[]] {
  const words = ['restore', '--images-dir', from, '--pidfile', pidFile];
  return criuArgv(criu, [...words, ...COMMON, '--log-file', log]);
}
