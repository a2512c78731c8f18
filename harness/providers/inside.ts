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
import { CoalmineError, messageOf } from '../core/errors.ts';
import { startInherited, type InheritedProcess } from '../exec/inherited.ts';
import { local } from '../exec/local.ts';
import { onPath } from '../exec/on-path.ts';
import { runOrThrow } from '../exec/run-or-throw.ts';
import { findRunCgroups, thawCgroup } from './cgroups.ts';
import { cleanRun } from './clean.ts';
import { describeLeftover } from './leftover.ts';
import { identifyProcess } from './process-identity.ts';
import { beginRun } from './run-begin.ts';
import { runFolder, writeRunState } from './run-state.ts';

const MARKER = 'COALMINE_INSIDE';
/** Exit code of a run that left something: it goes before every other. */
const DIRTY = 5;
/** Socket in the run's folder. */
const LEASE = 'outer.sock';

/**
 * Constant: the words after it are argv. A shell is pid 1 because it reaps what others orphan, and Node.js does not.
 * The trap keeps dash from dying of a SIGINT that was meant for the program; a trap, unlike ignoring, is not inherited.
 */
const REAPER = ['sh', '-c', 'trap : INT TERM HUP; "$@"; exit $?', 'coalmine'] as const;

/**
 * Who is not root becomes it in a user namespace: enough for links, taps and mounts of the run's own. The kernel forgets
 * there whom the death of a parent should end, so it is the lease that ends the inner program with the outer one.
 */
function intoNamespaces(): readonly [string, ...string[]] {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return [
    // unshare ends its child when it ends itself; this ends unshare when we end, by SIGKILL too.
    'setpriv',
    ...['--pdeathsig', 'KILL', '--', 'unshare', ...user],
    ...['--net', '--pid', '--mount', '--mount-proc', '--fork', '--kill-child', '--'],
    ...REAPER,
  ];
}

/** Runs a program for a moment in namespaces as a run's; they end with it. */
export function insideArgv(argv: readonly string[]): [string, ...string[]] {
  return [...intoNamespaces(), ...argv];
}

/** What is masked inside. A host's containerd socket in /run would be used by dockerd, and its containers outlive us. */
const MASKED = ['/run', '/etc/docker'] as const;

type Interrupt = 'SIGINT' | 'SIGTERM';

/** Run id of a plan to the reason why this machine cannot serve it. */
export type Unfit = Readonly<Record<string, string>>;

export interface InsideOptions {
  runId: string;
  cacheDir: string;
  say: (line: string) => void;
  /** Plans that this machine cannot serve, as it was found before. */
  unfit?: Unfit;
  /** The program to start inside; this same program with its arguments where absent. */
  argv?: readonly string[];
  /** Calls back for each signal that the outer process gets, until the returned function is called. */
  onInterrupt(listener: (signal: Interrupt) => void): () => void;
}

/** Runs this program again inside; returns its exit code after everything that it left is gone. */
export async function runInside(options: InsideOptions): Promise<number> {
  const { runId, cacheDir, unfit = {} } = options;
  const passage = openPassage(options);
  let innerExitCode: number;
  let clean: boolean;
  try {
    const state = await beginRun(cacheDir, runId);
    const folder = runFolder(runId);
    const lease = await openLease(folder);
    try {
      const program = options.argv ?? [
        process.execPath,
        ...process.execArgv,
        ...process.argv.slice(1),
      ];
      const child = await startInherited({
        argv: [...intoNamespaces(), ...program],
        env: { [MARKER]: JSON.stringify({ runId, cacheDir, folder, unfit } satisfies InsideRun) },
      });
      passage.lead(child, lease);
      const namespaces = identifyProcess(child.pid);
      if (namespaces !== undefined) await writeRunState(cacheDir, { ...state, namespaces });
      const { exitCode, signal } = await child.ended;
      innerExitCode = passage.exitCode() ?? exitCode ?? (signal === 'SIGKILL' ? 137 : 1);
    } finally {
      lease.close();
    }
  } finally {
    passage.close();
    clean = await leaveNothing(options);
  }
  return clean ? innerExitCode : DIRTY;
}

/** Returns whether nothing is left, and says what is. */
async function leaveNothing({ runId, cacheDir, say }: InsideOptions): Promise<boolean> {
  try {
    const { kept } = await cleanRun({ runId, cacheDir, say, own: true });
    for (const { leftover, why } of kept) say(`still there: ${describeLeftover(leftover)}: ${why}`);
    return kept.length === 0;
  } catch (error) {
    say(`cleaning up after the run: ${messageOf(error)}`);
    return false;
  }
}

/** Passes signals and the terminal's size on to the inner process, from before it exists until it has ended. */
function openPassage(options: InsideOptions) {
  let child: InheritedProcess | undefined;
  let ready = false;
  let early: Interrupt | undefined;
  const unsubscribe = options.onInterrupt((signal) => {
    if (!ready) early = signal;
    // Before it is ready it cannot hear, and there is nothing to undo yet.
    child?.kill(ready ? signal : 'SIGKILL');
  });
  const resize = (): void => child?.kill('SIGWINCH');
  process.stdout.on('resize', resize);
  return {
    lead: (inner: InheritedProcess, lease: Server): void => {
      child = inner;
      if (early !== undefined) child.kill('SIGKILL');
      lease.on('connection', (connection) => {
        ready = true;
        connection.resume();
        connection.on('error', () => undefined); // a killed process may reset it: `close` follows
        connection.on('close', () => void thawUntil(inner.ended, options.runId));
      });
    },
    /** Of a run that was ended before it was ready; the inner process decides about every other. */
    exitCode: () => (early === undefined ? undefined : early === 'SIGINT' ? 130 : 143),
    close: (): void => {
      process.stdout.off('resize', resize);
      unsubscribe();
    },
  };
}

/**
 * A socket that only the inner program itself connects to. Each side sees by its end that the other one is gone, even
 * while the kernel still waits for something frozen in the pid namespace.
 */
async function openLease(folder: string): Promise<Server> {
  const server = createServer();
  server.listen(path.join(folder, LEASE));
  await once(server, 'listening');
  return server;
}

/** The inner process is gone: what it left frozen must thaw, or the kernel waits for it and we for the kernel. */
async function thawUntil(ended: Promise<unknown>, runId: string): Promise<void> {
  const over = new AbortController();
  const stop = (): void => {
    over.abort();
  };
  ended.then(stop, stop);
  const wait = { what: 'the namespaces to end', timeoutMs: 60_000, signal: over.signal };
  await waitFor(wait, async () => {
    for (const cgroup of await findRunCgroups())
      if (cgroup.runId === runId) await thawCgroup(cgroup);
    return undefined;
  }).catch(() => undefined); // what is left then is told by the clean-up that follows
}

export interface InsideRun {
  readonly runId: string;
  readonly cacheDir: string;
  /** The run's folder as the outer process sees it; inside, the temporary folder is one below it. */
  readonly folder: string;
  readonly unfit: Unfit;
}

/** Returns what the outer process said about the run; throws outside. */
export function insideRun(): InsideRun {
  const marker = process.env[MARKER];
  if (marker !== undefined) return JSON.parse(marker) as InsideRun;
  throw new CoalmineError('preflight', 'this starts only inside namespaces of its own');
}

/** Returns whether this process is the inner one; costs nothing. */
export function isInside(): boolean {
  return process.env[MARKER] !== undefined;
}

/**
 * Called once by the inner process, after its signal handlers are in place. Returns undefined in a process that is not
 * inside. Tells the outer process that signals can be heard from now on, and prepares the namespaces.
 */
export async function enterInside(): Promise<InsideRun | undefined> {
  if (!isInside()) return undefined;
  const run = insideRun();
  const lease = connect(path.join(run.folder, LEASE));
  await once(lease, 'connect');
  // The kernel ends us with the outer process; this covers the moment before it was asked to.
  lease.on('error', () => undefined);
  lease.on('close', () => process.kill(process.pid, 'SIGKILL'));
  lease.resume();
  lease.unref();
  const limits = { timeoutMs: 10_000 };
  await runOrThrow(local, { argv: ['ip', 'link', 'set', 'lo', 'up'] }, limits);
  for (const folder of MASKED) await mask(folder);
  await mkdir(INSIDE_FOLDER, { recursive: true, mode: 0o700 });
  // What anyone in here puts into the temporary folder is then part of the run, and goes with it.
  process.env['TMPDIR'] = path.join(run.folder, 'tmp');
  await mkdir(process.env['TMPDIR'], { recursive: true, mode: 0o700 });
  return run;
}

/** Memory-backed, seen only inside, gone with the namespaces: for sockets, pid files and run data. */
export const INSIDE_FOLDER = '/run/coalmine';

/** Whether what a run inside writes there is lost with its namespaces. */
export function isMaskedInside(folder: string): boolean {
  const resolved = `${path.resolve(folder)}/`;
  return MASKED.some((masked) => resolved.startsWith(`${masked}/`));
}

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
  for (const tool of ['unshare', 'setpriv', 'flock', 'mount', 'ip', 'sh'])
    if ((await onPath(tool)) === undefined) refusals.push(`${tool} is not installed`);
  for (const folder of [cacheDir, process.cwd(), tmpdir()])
    if (isMaskedInside(folder))
      refusals.push(`${folder} is a place that a run in namespaces does not see`);
  if (refusals.length > 0) return refusals;
  const probe = await local.run(
    { argv: insideArgv(['ip', 'link', 'set', 'lo', 'up']) },
    { timeoutMs: 10_000 },
  );
  if (probe.exitCode !== 0)
    refusals.push(`namespaces cannot be made here (${probe.stderr.trim() || 'unshare failed'})`);
  return refusals;
}
