/**
 * A control plane of local processes, inside the run's own namespaces: etcd, API server, controller manager and
 * scheduler. Nodes reach it at the bridge's address; nothing outside can.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { request } from 'node:https';
import path from 'node:path';
import { waitFor } from '../../core/deadline.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { Plan } from '../../core/plan.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { API_ADDRESS, API_PORT } from './addresses.ts';
import {
  apiServerArgs,
  controllerManagerArgs,
  etcdArgs,
  schedulerArgs,
} from './control-plane-argv.ts';
import { startDaemon, type Daemon } from './daemon.ts';
import { useKubeadm, type Kubeadm } from './kubeadm.ts';

const READY_MS = 90_000;
const READY_EVERY_MS = 25;
/**
 * Hooks of the API server that make objects which a saved cluster has already: they look at each again, a second after it
 * serves. Nobody waits for that.
 */
const MADE_ONCE = [
  'poststarthook/rbac/bootstrap-roles',
  'poststarthook/scheduling/bootstrap-system-priority-classes',
];
const ASK_MS = 3_000;
const PACK_MS = 60_000;

export const CONTROL_PLANE_PROGRAMS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
] as const;

export interface ControlPlaneOptions {
  /** Paths of the programs. */
  programs: Readonly<Record<(typeof CONTROL_PLANE_PROGRAMS)[number] | 'kubeadm', string>>;
  kubernetes: string;
  proxyMode: Plan['proxyMode'];
  /** Folder of the run's own: keys, kubeconfigs, etcd's data. */
  folder: string;
  /** What `save` of another one wrote: it is the same cluster then. */
  saved?: string;
  logsDir: string;
  signal: AbortSignal;
}

export interface ControlPlane {
  /** Of somebody who may do everything; mode 0600. */
  readonly kubeconfig: string;
  readonly address: string;
  readonly kubeadm: Kubeadm;
  /** Resolves with the reason when one of the programs ends by itself; else never. */
  readonly died: Promise<string>;
  /** Writes keys, kubeconfigs and every object to a file. Nobody can change an object meanwhile. */
  save(file: string): Promise<void>;
  /** Idempotent; resolves when nothing of it runs. */
  stop(): Promise<void>;
}

/** Resolves when the API server is ready; the bridge with its address must be there. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { programs, folder, saved, logsDir, signal } = options;
  const logs = path.join(logsDir, 'control-plane');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(logs, { recursive: true });
  const daemons: Daemon[] = [];
  const start = (
    name: (typeof CONTROL_PLANE_PROGRAMS)[number],
    args: readonly string[],
  ): Daemon => {
    signal.throwIfAborted();
    const daemon = startDaemon(name, [programs[name], ...args], path.join(logs, `${name}.log`));
    daemons.push(daemon);
    return daemon;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
  };
  try {
    if (saved !== undefined) await unpack(saved, folder, signal);
    const etcd = start('etcd', etcdArgs(path.join(folder, 'etcd')));
    const kubeadm = await useKubeadm({ ...options, program: programs.kubeadm });
    if (saved === undefined) await kubeadm.makeCertificates();
    start('kube-apiserver', apiServerArgs(kubeadm.pki));
    const [kubeconfig, manager, scheduler] = await Promise.all(
      (['super-admin', 'controller-manager', 'scheduler'] as const).map((who) =>
        saved === undefined
          ? kubeadm.makeKubeconfig(who)
          : Promise.resolve(kubeadm.kubeconfigOf(who)),
      ),
    );
    await unlessDead(
      daemons,
      apiServerReady(kubeadm.pki, saved === undefined ? [] : MADE_ONCE, signal),
    );
    start('kube-controller-manager', controllerManagerArgs(kubeadm.pki, manager ?? ''));
    start('kube-scheduler', schedulerArgs(scheduler ?? ''));
    const died = Promise.race(daemons.map((daemon) => daemon.died));
    // What etcd has written lies there whole whenever it stands still: it survives a crash, too.
    const save = (file: string): Promise<void> => etcd.still(() => pack(folder, file));
    return { kubeconfig: kubeconfig ?? '', address: API_ADDRESS, kubeadm, died, save, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Without the log that etcd makes ahead, for when the present one is full. */
async function pack(folder: string, file: string): Promise<void> {
  const argv = [
    'tar',
    '--create',
    '--exclude=*.tmp',
    `--file=${file}`,
    `--directory=${folder}`,
    '.',
  ] as const;
  await runOrThrow(local, { argv }, { timeoutMs: PACK_MS, code: 'provision' });
}

async function unpack(file: string, folder: string, signal: AbortSignal): Promise<void> {
  const argv = ['tar', '--extract', `--file=${file}`, `--directory=${folder}`] as const;
  await runOrThrow(local, { argv }, { timeoutMs: PACK_MS, signal, code: 'provision' });
}

async function unlessDead<T>(daemons: readonly Daemon[], work: Promise<T>): Promise<T> {
  const dead = daemons.map(async ({ died }) => {
    throw new CoalmineError('provision', `the control plane did not start: ${await died}`);
  });
  return Promise.race([work, ...dead]);
}

/** @param without names of its checks that need not be met */
async function apiServerReady(
  pki: string,
  without: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const ca = await readFile(path.join(pki, 'ca.crt'), 'utf8');
  const wait = { what: 'the API server to be ready', timeoutMs: READY_MS, signal };
  await waitFor({ ...wait, everyMs: READY_EVERY_MS }, async () =>
    (await readyz(ca, without)) === 200 ? true : undefined,
  );
}

function readyz(ca: string, without: readonly string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const query = new URLSearchParams(without.map((name): [string, string] => ['exclude', name]));
    const url = `https://${API_ADDRESS}:${API_PORT}/readyz?${query.toString()}`;
    const asked = request(url, { ca, timeout: ASK_MS, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end();
  });
}
