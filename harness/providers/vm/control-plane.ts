/**
 * A control plane of local processes, inside the run's own namespaces: etcd, API server, controller manager and
 * scheduler. Nodes reach it at the bridge's address; nothing outside can.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import type { Plan } from '../../core/plan.ts';
import { API_ADDRESS } from './addresses.ts';
import { MADE_ONCE, untilApiReady } from './api-ready.ts';
import type { Criu } from './checkpoint.ts';
import {
  apiServerArgs,
  controllerManagerArgs,
  etcdArgs,
  schedulerArgs,
} from './control-plane-argv.ts';
import {
  CONTROL_PLANE_FOLDER as FOLDER,
  emptyPlace,
  leavePlace,
  takePlace,
} from './control-plane-place.ts';
import {
  goOnArgv,
  RESTORE_LOG,
  saveControlPlane,
  unpackControlPlane,
  type SavedControlPlane,
} from './control-plane-save.ts';
import { INIT_LOG, initScript, STAGE_SIGNALS } from './init-script.ts';
import { useKubeadm, type Kubeadm } from './kubeadm.ts';
import { startTree, type ProcessTree, type TreeFiles } from './process-tree.ts';

/** Of processes, with a session: what CRIU saves has to be on its own. */
const OWN_NAMESPACE = ['unshare', '--pid', '--fork', '--kill-child', '--', 'setsid'] as const;
const READY_MS = 90_000;
/** One that goes on answers at once, or never. */
const GOES_ON_MS = 15_000;

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
  /** What `save` of another one wrote: it is the same cluster then. */
  saved?: SavedControlPlane;
  /** With it, processes can be saved, and go on. */
  criu?: Criu;
  logsDir: string;
  say: (line: string) => void;
  signal: AbortSignal;
}

export interface ControlPlane {
  /** Of somebody who may do everything; mode 0600. */
  readonly kubeconfig: string;
  readonly address: string;
  readonly kubeadm: Kubeadm;
  /** Whether its processes are those that were saved, which do not know that they were: connections of then still stand. */
  readonly goesOn: boolean;
  /** Resolves with the reason when one of the programs ends by itself; else never. */
  readonly died: Promise<string>;
  /** It stands still meanwhile; whoever is connected with it must do so, too. */
  save(saved: SavedControlPlane): Promise<void>;
  /** Idempotent; resolves when nothing of it runs. */
  stop(): Promise<void>;
}

/** Resolves when the API server is ready; the bridge with its address must be there. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { programs, criu, logsDir, say } = options;
  try {
    await takePlace(logsIn(logsDir));
    const kubeadm = await useKubeadm({ ...options, program: programs.kubeadm, folder: FOLDER });
    const goesOn = await goOn(options, kubeadm);
    const tree = goesOn ?? (await begin(options, kubeadm));
    return {
      ...{ kubeadm, address: API_ADDRESS, goesOn: goesOn !== undefined, died: tree.died },
      kubeconfig: kubeadm.kubeconfigOf('super-admin'),
      save: (saved) => saveControlPlane({ tree, criu, say }, saved),
      stop: async () => {
        await tree.stop();
        await leavePlace();
      },
    };
  } catch (error) {
    await leavePlace();
    throw error;
  }
}

function logsIn(logsDir: string): string {
  return path.join(logsDir, 'control-plane');
}

/** The logs by the name that they keep. */
function placeOf(logsDir: string): TreeFiles {
  return { folder: FOLDER, logs: logsIn(logsDir), ownLog: INIT_LOG };
}

/** Returns undefined where there is nothing to go on from, or it does not work: it can be started, too. */
async function goOn(
  { saved, criu, logsDir, say, signal }: ControlPlaneOptions,
  { pki }: Kubeadm,
): Promise<ProcessTree | undefined> {
  if (saved === undefined) return undefined;
  await unpackControlPlane(saved, signal);
  if (criu === undefined || !saved.hasImages) return undefined;
  try {
    const tree = await startTree(
      await goOnArgv(criu, saved),
      { ...placeOf(logsDir), ownLog: RESTORE_LOG },
      signal,
    );
    const limits = { without: [], timeoutMs: GOES_ON_MS, signal };
    return await unlessDead(tree, () => untilApiReady(pki, limits));
  } catch (error) {
    signal.throwIfAborted();
    say(`the saved control plane does not go on, and is started: ${messageOf(error)}`);
    await emptyPlace();
    await unpackControlPlane(saved, signal);
    return undefined;
  }
}

async function begin(
  { programs, saved, logsDir, signal }: ControlPlaneOptions,
  kubeadm: Kubeadm,
): Promise<ProcessTree> {
  const isNew = saved === undefined;
  const { pki } = kubeadm;
  const one = (name: (typeof CONTROL_PLANE_PROGRAMS)[number], args: readonly string[]) => ({
    name,
    argv: [programs[name], ...args] as const,
  });
  const stages = [
    [one('etcd', etcdArgs(path.join(FOLDER, 'etcd')))],
    [one('kube-apiserver', apiServerArgs(pki))],
    [
      one(
        'kube-controller-manager',
        controllerManagerArgs(pki, kubeadm.kubeconfigOf('controller-manager')),
      ),
      one('kube-scheduler', schedulerArgs(kubeadm.kubeconfigOf('scheduler'))),
    ],
  ];
  const init = path.join(FOLDER, 'init.sh');
  await writeFile(init, initScript(FOLDER, stages), { mode: 0o600 });
  const tree = await startTree([...OWN_NAMESPACE, 'sh', init], placeOf(logsDir), signal);
  return unlessDead(tree, async () => {
    if (isNew) await kubeadm.makeCertificates();
    tree.kill(STAGE_SIGNALS[0]);
    const others = ['super-admin', 'controller-manager', 'scheduler'] as const;
    if (isNew) await Promise.all(others.map((who) => kubeadm.makeKubeconfig(who)));
    const without = isNew ? [] : MADE_ONCE;
    await untilApiReady(pki, { without, timeoutMs: READY_MS, signal });
    tree.kill(STAGE_SIGNALS[1]);
  });
}

/** Returns it once `work` is done; it is stopped where that fails, or it dies meanwhile. */
async function unlessDead(tree: ProcessTree, work: () => Promise<void>): Promise<ProcessTree> {
  const dead = tree.died.then((why) => {
    throw new CoalmineError('provision', `the control plane did not start: ${why}`);
  });
  try {
    await Promise.race([work(), dead]);
    return tree;
  } catch (error) {
    await tree.stop();
    throw error;
  } finally {
    dead.catch(() => undefined);
  }
}
