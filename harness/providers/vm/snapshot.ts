/**
 * A cluster need not be made: the first one of its kind is saved as soon as all of its nodes are Ready, kube-proxy and
 * CoreDNS serve, the workload runs, and nothing else of a run is in it. Later ones go on from there: the same nodes under
 * the same names and addresses, of the same authority, whose key is why the folder is its owner's only. No two of them can meet,
 * because each lives in namespaces of its own. Nothing here can fail a run: without a snapshot, machines boot.
 */
import { formatBytes, freeBytes } from '../../components/disk.ts';
import { formatDuration } from '../../core/duration.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import type { KubeApi } from '../../core/kube.ts';
import { setClock } from '../../core/node-clock.ts';
import type { ProvisionContext } from '../provider.ts';
import { imageVersions, kubeProxyVersions } from '../versions.ts';
import { demandQemu, type Accel } from './accel.ts';
import { savedControlPlaneIn, type SavedControlPlane } from './control-plane-save.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Hand } from './hand.ts';
import { lastHeartbeat, untilHeartbeat, untilHeartbeatIsDue } from './heartbeats.ts';
import type { Machine } from './machine.ts';
import { savedIn, type SavedMachine } from './machine-save.ts';
import type { Prepared } from './prepare.ts';
import { startObjects } from './start-objects.ts';
import { snapshotInputs, snapshotKey } from './snapshot-key.ts';
import {
  holdSnapshot,
  makeSnapshot,
  removeSnapshot,
  type HeldSnapshot,
  type SnapshotCache,
} from './snapshot-store.ts';
import { machineShape, vmNodeNames } from './versions.ts';

export interface SavedCluster {
  readonly controlPlane: SavedControlPlane;
  /** What its machines ran on, and must run on again. */
  readonly accel: Accel['kind'];
  /** One for each node, in order. */
  readonly machines: readonly SavedMachine[];
  /** Reads all of it, which takes as long as some other things that can be done meanwhile; throws where it is damaged. */
  readonly demandWhole: () => Promise<void>;
}

interface Serving {
  readonly kube: KubeApi;
  readonly controlPlane: Pick<ControlPlane, 'save'>;
  readonly machines: readonly Pick<Machine, 'spec' | 'saving'>[];
  /** One for each machine. */
  readonly hands: readonly Hand[];
}

export interface Snapshot {
  /** What can be gone on from, as far as sizes tell; undefined where everything must be made. Held until `release`. */
  find(): Promise<SavedCluster | undefined>;
  /** Idempotent. */
  release(): Promise<void>;
  /** What was found cannot be used: it is removed. */
  spoil(why: string): Promise<void>;
  /**
   * Saves a cluster that serves, where none was found. That it could not is said; throws where the cluster serves no more.
   * @param signal of the cluster
   */
  save(cluster: Serving, signal: AbortSignal): Promise<void>;
}

/** One of a small machine has about 500 MB. */
const BOUNDS = { count: 12, bytes: 8e9 };
const MIB = 1_048_576;
const CLOCK_MS = 120_000;
/** Certificates are made for a year. */
const AGE_MAX_DAYS = 180;

export const NO_SNAPSHOT: Snapshot = {
  find: () => Promise.resolve(undefined),
  release: () => Promise.resolve(),
  spoil: () => Promise.resolve(),
  save: () => Promise.resolve(),
};

export interface SnapshotUser {
  readonly context: Pick<ProvisionContext, 'say' | 'plan' | 'clock' | 'signal' | 'workload'>;
  readonly prepared: Pick<Prepared, 'image' | 'programDigests' | 'kubeProxyImage' | 'loadImage'>;
  /** May still be found out. */
  readonly accel: Promise<Accel>;
}

export async function useSnapshot(user: SnapshotUser, cache: SnapshotCache): Promise<Snapshot> {
  const { say, plan, clock, signal } = user.context;
  const inputs = await inputsOf(user);
  const key = snapshotKey(inputs);
  let held: HeldSnapshot | undefined;
  const release = async (): Promise<void> => {
    const mine = held;
    held = undefined;
    await mine?.release();
  };
  const spoil = async (why: string): Promise<void> => {
    say(`the saved cluster ${key} cannot be used, and is made anew: ${why}`);
    await release();
    await removeSnapshot(cache, key, signal);
  };
  return {
    release,
    spoil,
    find: async () => {
      const found = await holdSnapshot(cache, key, { signal, ageMaxDays: AGE_MAX_DAYS });
      if (found === undefined) return undefined;
      if (typeof found === 'string') {
        await spoil(found);
        return undefined;
      }
      held = found;
      return {
        ...filesIn(found.folder, vmNodeNames(plan.nodes)),
        accel: found.accel,
        demandWhole: async () => {
          const damage = await found.damage();
          if (damage !== undefined) throw new CoalmineError('provision', damage);
        },
      };
    },
    save: async (cluster, ending) => {
      const objects = user.context.workload?.(user.prepared.loadImage) ?? [];
      await startObjects(cluster.kube, objects, ending);
      const fromMs = clock.nowMs();
      const needBytes = plan.nodes * machineShape(plan).memoryMiB * MIB;
      const refusal = await roomRefusal(cache.snapshots, needBytes);
      if (refusal !== undefined) {
        say(refusal);
        return;
      }
      try {
        const { kind } = await user.accel;
        const made = await makeSnapshot(
          cache,
          { key, inputs, accel: kind },
          { signal: ending, bounds: BOUNDS },
          (folder) => write(cluster, folder, ending),
        );
        const took = formatDuration(Math.round(clock.nowMs() - fromMs));
        if (made) say(`the cluster was saved in ${took}: later runs go on from here`);
      } catch (error) {
        if (!ending.aborted) say(`the cluster was not saved: ${messageOf(error)}`);
      }
      // They stood still.
      const limits = { timeoutMs: CLOCK_MS, signal: ending };
      await Promise.all(cluster.hands.map((hand) => setClock(hand, limits)));
    },
  };
}

async function inputsOf({ context, prepared }: SnapshotUser): Promise<string[]> {
  const { plan, workload } = context;
  const objects = workload?.(prepared.loadImage) ?? [];
  const spec = {
    machine: { ...machineShape(plan), image: prepared.image },
    nodes: vmNodeNames(plan.nodes),
    kubernetes: imageVersions(plan).kubernetes,
    proxyMode: plan.proxyMode,
    kubeProxyImage: prepared.kubeProxyImage(kubeProxyVersions(plan).first),
    programDigests: prepared.programDigests,
    // Applied again by each run, with its own name.
    workload: JSON.stringify(objects).replaceAll(plan.runId, ''),
  };
  return snapshotInputs(spec, await demandQemu());
}

function filesIn(
  folder: string,
  names: readonly string[],
): Pick<SavedCluster, 'controlPlane' | 'machines'> {
  return {
    controlPlane: savedControlPlaneIn(folder),
    machines: names.map((name) => savedIn(folder, name)),
  };
}

/** Every machine stands still before anything is written, so that nobody knows what another has not done yet. */
async function write(cluster: Serving, folder: string, signal: AbortSignal): Promise<void> {
  const { kube, controlPlane, machines, hands } = cluster;
  const names = machines.map(({ spec }) => spec.name);
  const saved = filesIn(folder, names);
  const each = (step: (machine: (typeof machines)[number], index: number) => Promise<void>) =>
    Promise.all(machines.map(step));
  await each(({ saving }, index) =>
    saving.settle(() => {
      hands[index]?.close();
    }),
  );
  await untilHeartbeatIsDue(kube, names, signal);
  const before = await Promise.all(names.map((name) => lastHeartbeat(kube, name)));
  try {
    await each(({ saving }) => saving.stop());
    // What a node has heard of is in it; what it does while their memory is written, nobody goes on from.
    await controlPlane.save(saved.controlPlane);
    // All have ended before any goes on, and before what was written is taken away.
    const written = await Promise.allSettled(
      machines.map(async ({ saving }, index) => {
        const into = saved.machines[index];
        if (into !== undefined) await saving.write(into, signal);
      }),
    );
    const failed = written.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason as Error;
  } finally {
    await each(({ saving }) => saving.go());
  }
  // Whoever has not heard of a node for so long takes it for lost until then.
  await each((_, index) => untilHeartbeat(kube, names[index] ?? '', before[index] ?? '', signal));
}

async function roomRefusal(folder: string, needBytes: number): Promise<string | undefined> {
  const haveBytes = await freeBytes(folder);
  if (haveBytes >= needBytes) return undefined;
  return `no cluster is saved for later runs: there are ${formatBytes(haveBytes)} free in ${folder}`;
}
