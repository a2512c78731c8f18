/**
 * A tree of processes as files, and the same tree again: CRIU. Connections stay established on both sides, as long as
 * whoever is on the other side stands still meanwhile and goes on together with it; monotonic clocks go on where they were
 * (time_namespaces(7)), so that nobody inside takes the time between for a silence.
 */
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { prettyCommand, type Command } from '../../core/command.ts';
import { CoalmineError, hasCode, messageOf } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { inTimeOf, saveClocks } from './saved-clocks.ts';

/** A file in the tree's folder. */
const HOOK = 'dump.sh';
/** With what is done meanwhile. */
const DUMP_MS = 180_000;

export interface Criu {
  /** Folder with `sbin/criu` and the libraries that it needs. */
  readonly folder: string;
}

const COMMON = ['--tcp-established', '--file-locks', '--manage-cgroups=ignore', '-v2'];
/** Who else could send something stands still. */
const DUMP = ['--leave-running', '--network-lock', 'skip', '--force-irmap'];

/** A subcommand goes behind it, and options of that. */
export function criuArgv({ folder }: Criu): [string, ...string[]] {
  const library = path.join(folder, 'lib');
  const loader = path.join(library, 'ld-linux-x86-64.so.2');
  const less = ownsTheMachine() ? [] : ['--unprivileged'];
  return [loader, '--library-path', library, path.join(folder, 'sbin/criu'), ...less];
}

/**
 * The root of a user namespace does not: buffers of its sockets stay below the limits, and CRIU, which must be told, leaves
 * clocks alone then, although they could be set in a time namespace of its own.
 */
export function ownsTheMachine(): boolean {
  const everybody = /^\s*0\s+0\s+4294967295\s*$/;
  return process.getuid?.() === 0 && everybody.test(readFileSync('/proc/self/uid_map', 'utf8'));
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

/**
 * The tree goes on afterwards. Throws where it could not be saved, or the command failed; after a `deadline` it is good for
 * nothing any more: CRIU was ended half-way, its code in the programs and their connections in repair.
 */
export async function dumpTree(criu: Criu, dump: Dump): Promise<void> {
  const { pid, into, log, folder, meanwhile } = dump;
  const hook = path.join(folder, HOOK);
  await writeFile(hook, hookText(meanwhile), { mode: 0o700 });
  const words = ['dump', '--tree', String(pid), '--images-dir', into, '--log-file', log];
  const ours = ['--action-script', hook, '--irmap-scan-path', folder];
  const argv = [...criuArgv(criu), ...words, ...COMMON, ...DUMP, ...ours] as const;
  try {
    await runOrThrow(local, { argv }, { timeoutMs: DUMP_MS, code: 'provision' });
    if (!ownsTheMachine()) await saveClocks(into);
  } catch (error) {
    const said = await readFile(log, 'utf8').catch(() => '');
    const code = hasCode(error, 'deadline') ? 'deadline' : 'provision';
    throw new CoalmineError(code, `${messageOf(error)}\n${said.trim()}`, { cause: error });
  }
}

function hookText(meanwhile: Command): string {
  const only = `[ "$CRTOOLS_SCRIPT_ACTION" = post-dump ] || exit 0`;
  return `#!/bin/sh\n${only}\nexec ${prettyCommand(meanwhile)}\n`;
}

/** Goes on as its parent for as long as the tree lives. Throws where clocks are needed that were not saved. */
export async function restoreArgv(
  criu: Criu,
  { from, log, pidFile }: { from: string; log: string; pidFile: string },
): Promise<[string, ...string[]]> {
  const words = ['restore', '--images-dir', from, '--pidfile', pidFile];
  const more = [...words, ...COMMON, '--log-file', log];
  const argv: [string, ...string[]] = [...criuArgv(criu), ...more];
  return ownsTheMachine() ? argv : [...(await inTimeOf(from)), ...argv];
}
