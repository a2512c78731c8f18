/**
 * One run in namespaces of its own. The program starts itself again inside fresh network, pid and mount namespaces:
 * whatever the inner one starts cannot outlive it, cannot meet another run, and touches no rule, link or mount of the
 * host. Whichever of the two processes is killed takes the other along.
 */
import { mkdir } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { waitFor } from '../core/deadline.ts';
import { CoalmineError } from '../core/errors.ts';
import { startInherited, type InheritedProcess } from '../exec/inherited.ts';
import { local } from '../exec/local.ts';
import { onPath } from '../exec/on-path.ts';
import { runOrThrow } from '../exec/run-or-throw.ts';
import { findRunCgroups, thawCgroup } from './cgroups.ts';
import { cleanRun } from './clean.ts';
import { identifyProcess } from './process-identity.ts';
import { beginRun } from './run-begin.ts';
import { runFolder, writeRunState } from './run-state.ts';

const MARKER = 'COALMINE_INSIDE';

/**
 * Constant: the words after it are argv. A shell is pid 1 because it reaps what others orphan, and Node.js does not.
 * The trap keeps dash from dying of a SIGINT that was meant for the program; a trap, unlike ignoring, is not inherited.
 */
const REAPER = ['sh', '-c', 'trap : INT TERM HUP; "$@"; exit $?', 'coalmine'] as const;

const NAMESPACES = [
  // unshare ends its child when it ends itself; this ends unshare when we end, by SIGKILL too.
  ...['setpriv', '--pdeathsig', 'KILL', '--'],
  ...['unshare', '--net', '--pid', '--mount', '--mount-proc', '--fork', '--kill-child', '--'],
  ...REAPER,
] as const;

/** What is masked inside. A host's containerd socket in /run would be used by dockerd, and its containers outlive us. */
const MASKED = ['/run', '/etc/docker'] as const;

export type Interrupt = 'SIGINT' | 'SIGTERM';

export interface InsideOptions {
  runId: string;
  cacheDir: string;
  say: (line: string) => void;
  /** The program to start inside; this same program with its arguments where absent. */
  argv?: readonly string[];
  /** Calls back for each signal that the outer process gets, until the returned function is called. */
  onInterrupt(listener: (signal: Interrupt) => void): () => void;
}

/** Runs this program again inside; returns its exit code after everything that it left is gone. */
export async function runInside(options: InsideOptions): Promise<number> {
  const { runId, cacheDir, say } = options;
  const state = await beginRun(cacheDir, runId);
  const lease = await openLease(runId);
  const program = options.argv ?? [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  try {
    const child = await startInherited({
      argv: [...NAMESPACES, ...program] as unknown as [string, ...string[]],
      env: { [MARKER]: JSON.stringify({ runId, cacheDir }) },
    });
    const namespaces = identifyProcess(child.pid);
    if (namespaces !== undefined) await writeRunState(cacheDir, { ...state, namespaces });
    return await accompany(child, lease, options);
  } finally {
    lease.close();
    await cleanRun({ runId, cacheDir, say: () => undefined, own: true }).catch((error: unknown) => {
      say(`cleaning up after the run: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
}

/**
 * A socket that only the inner program itself connects to. Each side sees by its end that the other one is gone, even
 * while the kernel still waits for something frozen in the pid namespace.
 */
async function openLease(runId: string): Promise<Server> {
  const server = createServer();
  server.listen(leaseFile(runId));
  await once(server, 'listening');
  return server;
}

function leaseFile(runId: string): string {
  return path.join(runFolder(runId), 'outer.sock');
}

/** Passes signals and the terminal's size on until the inner process ends. */
async function accompany(
  child: InheritedProcess,
  lease: Server,
  options: InsideOptions,
): Promise<number> {
  let ready = false;
  let early: Interrupt | undefined;
  lease.on('connection', (inner) => {
    ready = true;
    inner.resume();
    inner.on('error', () => undefined); // a killed process may reset it: `close` follows
    inner.on('close', () => void thawUntil(child.ended, options.runId));
  });
  const unsubscribe = options.onInterrupt((signal) => {
    if (ready) {
      child.kill(signal);
      return;
    }
    // It cannot hear yet, and there is nothing to undo yet.
    early = signal;
    child.kill('SIGKILL');
  });
  const resize = (): void => {
    child.kill('SIGWINCH');
  };
  process.stdout.on('resize', resize);
  try {
    const { exitCode, signal } = await child.ended;
    if (early !== undefined) return early === 'SIGINT' ? 130 : 143;
    return exitCode ?? (signal === 'SIGKILL' ? 137 : 1);
  } finally {
    process.stdout.off('resize', resize);
    unsubscribe();
  }
}

/** The inner process is gone: what it left frozen must thaw, or the kernel waits for it and we for the kernel. */
async function thawUntil(ended: Promise<unknown>, runId: string): Promise<void> {
  const over = ended.then(() => true as const);
  await waitFor({ what: 'the namespaces to end', timeoutMs: 60_000 }, async () => {
    for (const cgroup of await findRunCgroups())
      if (cgroup.runId === runId) await thawCgroup(cgroup);
    return Promise.race([over, Promise.resolve(undefined)]);
  }).catch(() => undefined); // what is left then is told by the clean-up that follows
}

export interface InsideRun {
  readonly runId: string;
  readonly cacheDir: string;
}

/** Returns whether this process is the inner one; costs nothing. */
export function isInside(): boolean {
  return process.env[MARKER] !== undefined;
}

/**
 * Called once by the inner process, after its signal handlers are in place. Returns undefined in a process that is not
 * inside. Prepares the namespaces and tells the outer process that signals can be heard from now on.
 */
export async function enterInside(): Promise<InsideRun | undefined> {
  const marker = process.env[MARKER];
  if (marker === undefined) return undefined;
  const run = JSON.parse(marker) as InsideRun;
  const limits = { timeoutMs: 10_000 };
  await runOrThrow(local, { argv: ['ip', 'link', 'set', 'lo', 'up'] }, limits);
  for (const folder of MASKED) await mask(folder);
  await mkdir(INSIDE_FOLDER, { recursive: true, mode: 0o700 });
  const lease = connect(leaseFile(run.runId));
  await once(lease, 'connect');
  // The kernel ends us with the outer process; this covers the moment before it was asked to.
  lease.on('error', () => undefined);
  lease.on('close', () => process.kill(process.pid, 'SIGKILL'));
  lease.resume();
  lease.unref();
  return run;
}

/** Memory-backed, seen only inside, gone with the namespaces: for sockets, pid files and run data. */
export const INSIDE_FOLDER = '/run/coalmine';

async function mask(folder: string): Promise<void> {
  const there = await local.run({ argv: ['test', '-d', folder] }, { timeoutMs: 10_000 });
  if (there.exitCode !== 0) return;
  const mount = ['mount', '-t', 'tmpfs', '-o', 'mode=0755', 'coalmine', folder] as const;
  await runOrThrow(local, { argv: mount }, { timeoutMs: 10_000 });
}

/** Returns why namespaces cannot be made here, one sentence each; empty where they can. */
export async function insideRefusals(cacheDir: string): Promise<string[]> {
  const refusals: string[] = [];
  if (process.platform !== 'linux') refusals.push('this is not Linux');
  if (process.getuid?.() !== 0) refusals.push('this is not root');
  for (const tool of ['unshare', 'setpriv', 'flock', 'mount', 'ip', 'sh'])
    if ((await onPath(tool)) === undefined) refusals.push(`${tool} is not installed`);
  for (const folder of [cacheDir, process.cwd(), tmpdir()])
    if (`${path.resolve(folder)}/`.startsWith('/run/'))
      refusals.push(`${folder} lies in /run, which a run in namespaces does not see`);
  if (refusals.length > 0) return refusals;
  const probe = await local.run(
    { argv: [...NAMESPACES, 'ip', 'link', 'set', 'lo', 'up'] },
    { timeoutMs: 10_000 },
  );
  if (probe.exitCode !== 0)
    refusals.push(`namespaces cannot be made here (${probe.stderr.trim() || 'unshare failed'})`);
  return refusals;
}

/** Throws `preflight` outside; for code that must never run on the host itself. */
export function demandInside(what: string): void {
  if (isInside()) return;
  throw new CoalmineError('preflight', `${what} starts only inside its own namespaces`);
}
