/**
 * Everything on this machine that belongs to one run, whoever made it: what a run must not leave. It asks the kernel and
 * the disk, not coalmine: a clean-up that overlooks something must not be able to hide it here.
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { local } from '../../harness/exec/local.ts';

export type TraceKind =
  | 'process'
  | 'namespace'
  | 'container'
  | 'network'
  | 'volume'
  | 'mount'
  | 'link'
  | 'rule'
  | 'cgroup'
  | 'folder'
  | 'lock'
  | 'state';

export interface Trace {
  kind: TraceKind;
  what: string;
}

export interface Suspects {
  runId: string;
  cacheDir: string;
  /** Processes that the run is known to have had, as pid and start time; see `suspects`. */
  processes: ReadonlySet<string>;
  /** Its namespaces, as `net:[4026532008]`. */
  namespaces: ReadonlySet<string>;
  /** Held open, the kernel gives the number of a namespace to nobody else; to be called in the end. */
  release(): void;
}

const LIMITS = { timeoutMs: 30_000 };
/** Mounts are looked for by name, in whichever namespace. */
const NAMESPACES = ['net', 'pid'] as const;

/** Remembers a living run's processes (by name, by group, by parent) and namespaces, for asking later what became of them. */
export function suspects(runId: string, cacheDir: string, root: number): Suspects {
  const own = NAMESPACES.map((name) => link(`/proc/self/ns/${name}`));
  const parents = new Map(pids().map((pid) => [pid, parentOf(pid)]));
  const found = new Set([root, ...pids().filter((pid) => bears(pid, runId))]);
  for (const pid of found)
    for (const [child, parent] of parents) if (parent === pid) found.add(child);
  const namespaces = new Map<string, number>();
  for (const pid of found)
    for (const name of NAMESPACES) {
      const namespace = link(`/proc/${pid}/ns/${name}`);
      if (namespace === '' || own.includes(namespace) || namespaces.has(namespace)) continue;
      namespaces.set(namespace, openSync(`/proc/${pid}/ns/${name}`, 'r'));
    }
  return {
    runId,
    cacheDir,
    processes: new Set([...found].map(identity)),
    namespaces: new Set(namespaces.keys()),
    release: () => {
      for (const fd of namespaces.values()) closeSync(fd);
    },
  };
}

export async function traces(run: Suspects): Promise<Trace[]> {
  const of = (kind: TraceKind, whats: readonly string[]): Trace[] =>
    whats.map((what) => ({ kind, what }));
  const holders = living().filter((pid) =>
    namespacesOf(pid).some((one) => run.namespaces.has(one)),
  );
  return [
    ...of(
      'process',
      living()
        .filter((pid) => isOf(pid, run))
        .map(describe),
    ),
    ...of('namespace', [...holders.map(describe), ...(await named(['ip', 'netns', 'list'], run))]),
    ...of('mount', mounts(run)),
    ...(await insideNamespaces(run, holders)),
    ...of('cgroup', cgroups(run)),
    ...of(
      'folder',
      namesIn(tmpdir()).filter((name) => name.includes(run.runId)),
    ),
    ...of(
      'state',
      [...namesIn(run.cacheDir, 'state'), ...namesIn(run.cacheDir, 'partial')].filter((name) =>
        name.includes(run.runId),
      ),
    ),
    ...(await slots(run)),
    ...(await onUsersEngine(run)),
  ];
}

/** What no run may change on the host itself: nobody's name is on a link or on a rule. */
export async function hostNetwork(): Promise<string[]> {
  const asked = [
    ['ip', '-o', 'link'],
    ['ip', 'route', 'show', 'table', 'all'],
    ['iptables-save'],
    ['nft', 'list', 'ruleset'],
  ] as const;
  const answers = await Promise.all(asked.map((argv) => lines(argv)));
  // Counters of packets go on, and so does the time of an address.
  return answers
    .flat()
    .map((line) => line.replaceAll(/\[\d+:\d+\]|packets \d+ bytes \d+/g, ''))
    .filter((line) => !line.startsWith('#'));
}

/** A dead process that only waits for its parent to ask about it has and does nothing any more. */
function living(): number[] {
  return pids().filter((pid) => !['', 'Z', 'X'].includes(statOf(pid)[0] ?? ''));
}

function isOf(pid: number, run: Suspects): boolean {
  return run.processes.has(identity(pid)) || bears(pid, run.runId);
}

/** By its words, its environment or its control group; never this process, whose tests talk about runs too. */
function bears(pid: number, runId: string): boolean {
  if (pid === process.pid) return false;
  return ['cmdline', 'environ', 'cgroup'].some((file) =>
    text(`/proc/${pid}/${file}`).includes(runId),
  );
}

function identity(pid: number): string {
  const stat = statOf(pid);
  return `${pid} since ${stat[19] ?? 'never'}`;
}

/** The fields behind the name: state first. */
function statOf(pid: number): string[] {
  const stat = text(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function parentOf(pid: number): number {
  return Number(statOf(pid)[1]);
}

function namespacesOf(pid: number): string[] {
  return NAMESPACES.map((name) => link(`/proc/${pid}/ns/${name}`)).filter((one) => one !== '');
}

function describe(pid: number): string {
  return `${pid} ${text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 80)}`;
}

/** Of every mount namespace that there is, this one included. */
function mounts({ runId }: Suspects): string[] {
  const seen = new Map(pids().map((pid) => [link(`/proc/${pid}/ns/mnt`), pid]));
  return [...seen.values()].flatMap((pid) =>
    text(`/proc/${pid}/mountinfo`)
      .split('\n')
      .filter((line) => line.includes(runId)),
  );
}

async function insideNamespaces(run: Suspects, holders: readonly number[]): Promise<Trace[]> {
  const byNet = new Map(holders.map((pid) => [link(`/proc/${pid}/ns/net`), pid]));
  const found: Trace[] = [];
  for (const [net, pid] of byNet) {
    if (!run.namespaces.has(net)) continue;
    const within = ['nsenter', `--net=/proc/${pid}/ns/net`] as const;
    const links = await lines([...within, 'ip', '-o', 'link']);
    const rules = await lines([...within, 'iptables-save']);
    found.push(...links.map((what) => ({ kind: 'link' as const, what })));
    found.push(
      ...rules
        .filter((line) => line.startsWith('-A'))
        .map((what) => ({ kind: 'rule' as const, what })),
    );
  }
  return found;
}

function cgroups({ runId }: Suspects): string[] {
  const points = text('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
  return points.flatMap((point) =>
    namesIn(point)
      .filter((name) => name.includes(runId))
      .map((name) => path.join(point, name)),
  );
}

/** What a private engine keeps in the slot that this run used last, and whether the slot is still held for it. */
async function slots({ runId, cacheDir }: Suspects): Promise<Trace[]> {
  const found: Trace[] = [];
  for (const name of namesIn(cacheDir, 'docker').filter((one) => one.endsWith('.lock'))) {
    const lock = path.join(cacheDir, 'docker', name);
    if (text(lock).trim() !== runId) continue;
    const root = lock.slice(0, -'.lock'.length);
    const held = await local.run({ argv: ['flock', '--nonblock', lock, 'true'] }, LIMITS);
    if (held.exitCode !== 0) found.push({ kind: 'lock', what: lock });
    for (const what of namesIn(root, 'containers')) found.push({ kind: 'container', what });
    for (const what of namesIn(root, 'network', 'files')) found.push({ kind: 'network', what });
    for (const what of namesIn(root, 'volumes').filter((one) => /^[0-9a-f]{64}$/.test(one)))
      found.push({ kind: 'volume', what });
  }
  return found;
}

async function onUsersEngine(run: Suspects): Promise<Trace[]> {
  const filter = ['--filter', `label=coalmine.dev/run=${run.runId}`, '--quiet'];
  const [containers, networks, volumes] = await Promise.all([
    lines(['docker', 'ps', '--all', ...filter]),
    lines(['docker', 'network', 'ls', ...filter]),
    lines(['docker', 'volume', 'ls', ...filter]),
  ]);
  return [
    ...containers.map((what) => ({ kind: 'container' as const, what })),
    ...networks.map((what) => ({ kind: 'network' as const, what })),
    ...volumes.map((what) => ({ kind: 'volume' as const, what })),
  ];
}

async function named(argv: readonly [string, ...string[]], { runId }: Suspects): Promise<string[]> {
  return (await lines(argv)).filter((line) => line.includes(runId));
}

/** A program that is not there, or an engine that does not answer, has nothing of the run. */
async function lines(argv: readonly [string, ...string[]]): Promise<string[]> {
  const answer = await local.run({ argv: [...argv] }, LIMITS).catch(() => undefined);
  return (answer?.stdout ?? '').split('\n').filter((line) => line !== '');
}

function pids(): number[] {
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function namesIn(...parts: string[]): string[] {
  const folder = path.join(...parts);
  return existsSync(folder) ? readdirSync(folder) : [];
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it ended while we looked
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
