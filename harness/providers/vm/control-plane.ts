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
const ASK_MS = 3_000;

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
  /** Idempotent; resolves when nothing of it runs. */
  stop(): Promise<void>;
}

/** Resolves when the API server is ready; the bridge with its address must be there. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { programs, folder, logsDir, signal } = options;
  const logs = path.join(logsDir, 'control-plane');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(logs, { recursive: true });
  const daemons: Daemon[] = [];
  const start = (name: (typeof CONTROL_PLANE_PROGRAMS)[number], args: readonly string[]): void => {
    signal.throwIfAborted();
    daemons.push(startDaemon(name, [programs[name], ...args], path.join(logs, `${name}.log`)));
  };
  const stop = async (): Promise<void> => {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
  };
  try {
    start('etcd', etcdArgs(path.join(folder, 'etcd')));
    const kubeadm = await useKubeadm({ ...options, program: programs.kubeadm });
    await kubeadm.makeCertificates();
    start('kube-apiserver', apiServerArgs(kubeadm.pki));
    const [kubeconfig, manager, scheduler] = await Promise.all(
      (['super-admin', 'controller-manager', 'scheduler'] as const).map((who) =>
        kubeadm.makeKubeconfig(who),
      ),
    );
    await unlessDead(daemons, apiServerReady(kubeadm.pki, signal));
    start('kube-controller-manager', controllerManagerArgs(kubeadm.pki, manager ?? ''));
    start('kube-scheduler', schedulerArgs(scheduler ?? ''));
    const died = Promise.race(daemons.map((daemon) => daemon.died));
    return { kubeconfig: kubeconfig ?? '', address: API_ADDRESS, kubeadm, died, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function unlessDead<T>(daemons: readonly Daemon[], work: Promise<T>): Promise<T> {
  const dead = daemons.map(async ({ died }) => {
    throw new CoalmineError('provision', `the control plane did not start: ${await died}`);
  });
  return Promise.race([work, ...dead]);
}

async function apiServerReady(pki: string, signal: AbortSignal): Promise<void> {
  const ca = await readFile(path.join(pki, 'ca.crt'), 'utf8');
  const wait = { what: 'the API server to be ready', timeoutMs: READY_MS, everyMs: 100, signal };
  await waitFor(wait, async () => ((await readyz(ca)) === 200 ? true : undefined));
}

function readyz(ca: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const url = `https://${API_ADDRESS}:${API_PORT}/readyz`;
    const asked = request(url, { ca, timeout: ASK_MS, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end();
  });
}
