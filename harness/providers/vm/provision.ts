/**
 * One cluster of machines, from images to "Ready and serving". The control plane starts while the machines boot; each
 * joins as soon as both are there. Every step listens to one signal, which also tells when something died meanwhile.
 */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError, hasCode, messageOf } from '../../core/errors.ts';
import { Unwind } from '../../core/unwind.ts';
import { waitForKubeProxy } from '../kube-proxy.ts';
import { followKubeProxyLogs } from '../kube-proxy-logs.ts';
import type { Cluster, ProvisionContext } from '../provider.ts';
import { waitForDns, waitForNodes } from '../readiness.ts';
import { runFolder } from '../run-state.ts';
import { kubeProxyVersions } from '../versions.ts';
import { startDns } from './addons.ts';
import type { Accel } from './accel.ts';
import { findAccelOnce } from './accel-known.ts';
import { nodeAddress } from './addresses.ts';
import { bootNode } from './boot-node.ts';
import { clusterOf, copyConsoles } from './cluster.ts';
import { continueNode } from './continue-node.ts';
import { followThrough } from './follow-file.ts';
import type { Hand } from './hand.ts';
import { lastWords } from './last-words.ts';
import type { Machine } from './machine.ts';
import { createNetwork } from './network.ts';
import { vmNode } from './node.ts';
import { prepareVm, type VmParts } from './prepare.ts';
import { NO_SNAPSHOT, useSnapshot, type SavedCluster, type Snapshot } from './snapshot.ts';
import { grantServing } from './serving-certificate.ts';
import { startApi, type Api } from './start-api.ts';
import { startMachines } from './start-machines.ts';
import { vmNodeNames } from './versions.ts';
import { allOf, type Work } from './work.ts';

/** What every attempt at one cluster has in common. */
interface Ground extends Pick<Work, 'context' | 'prepared'> {
  /** May still be found out: it takes seconds. */
  readonly accel: Promise<Accel>;
  readonly program: VmParts['machineProgram'];
  readonly snapshot: Snapshot;
}

/**
 * Inside the run's own namespaces only. Goes on from a saved cluster where that can be; whatever comes in its way then, a
 * new one is made.
 */
export async function provisionVm(parts: VmParts, context: ProvisionContext): Promise<Cluster> {
  const { say, signal } = context;
  const prepared = await prepareVm(parts, context);
  const accel = findAccelOnce({ kernel: prepared.image.kernel, file: parts.kvmRefused });
  void accel.then(({ kind, reason }) => {
    say(`machines run on ${kind === 'kvm' ? 'KVM' : `TCG, without KVM: ${reason}`}`);
  });
  const snapshot =
    parts.snapshots === undefined
      ? NO_SNAPSHOT
      : await useSnapshot({ context, prepared, accel }, parts.snapshots);
  const ground = { context, prepared, accel, snapshot, program: parts.machineProgram };
  const saved = await snapshot.find();
  if (saved === undefined) return attempt(ground);
  try {
    return await attempt(ground, saved);
  } catch (error) {
    signal.throwIfAborted();
    await snapshot.spoil(messageOf(error));
    return attempt(ground);
  }
}

/** What is half made when it fails is taken away again. */
async function attempt(ground: Ground, saved?: SavedCluster): Promise<Cluster> {
  const { context, prepared, snapshot } = ground;
  const { plan, say, signal, logsDir } = context;
  const folder = path.join(runFolder(plan.runId), 'vm');
  const broken = new AbortController();
  const unwind = new Unwind();
  unwind.push('snapshot', () => snapshot.release());
  unwind.push('files', () => rm(folder, { recursive: true, force: true }));
  const work: Work = {
    ...{ context, prepared, folder, unwind, names: vmNodeNames(plan.nodes) },
    signal: AbortSignal.any([signal, broken.signal]),
    broken: broken.signal,
    giveUp: (reason) => {
      broken.abort(reason);
    },
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await mkdir(logsDir, { recursive: true });
    return await makeCluster(work, ground, saved);
  } catch (error) {
    for (const { title, error: left } of await unwind.run()) say(`${title}: ${messageOf(left)}`);
    signal.throwIfAborted();
    if (hasCode(error, 'provision') && error.wayOut !== undefined) throw error;
    throw new CoalmineError('provision', messageOf(error), {
      wayOut: `Read the logs in ${logsDir}.`,
      cause: error,
    });
  }
}

async function makeCluster(
  work: Work,
  { accel, program, snapshot }: Ground,
  saved: SavedCluster | undefined,
): Promise<Cluster> {
  const { context, prepared, unwind, broken } = work;
  const { say, logsDir } = context;
  const network = await createNetwork();
  unwind.push('network', () => network.close());
  const api = startApi(work, saved?.controlPlane);
  const starting = accel.then((found) => {
    demandSame(found, saved);
    const toBeSaved = snapshot !== NO_SNAPSHOT;
    return startMachines(work, { network, accel: found, program, toBeSaved }, saved?.machines);
  });
  const toNode = saved === undefined ? bootNode : continueNode;
  const [reached, machines, hands] = await allOf(work, [
    api,
    starting,
    starting.then((all) =>
      allOf(
        work,
        all.map((one) => toNode(work, one, { api, network })),
      ),
    ),
    saved?.demandWhole() ?? Promise.resolve(),
  ]).catch(async (error: unknown) => {
    await copyConsoles(await starting.catch(() => []), logsDir, say);
    throw error;
  });
  await waitUntilServing(work, reached, machines, hands);
  if (saved === undefined) {
    await snapshot.save({ ...reached, machines, hands }, work.signal);
    // It stood still for as long as that took.
    const quiet = { ...work, context: { ...context, say: () => undefined } };
    await waitUntilServing(quiet, reached, machines, hands);
    await Promise.all(work.names.map((name) => grantServing(reached, name, work.signal)));
  }
  const byName = new Map(hands.map((hand) => [hand.name, hand]));
  const follower = await followKubeProxyLogs(reached.kube, followThrough(byName), logsDir, say);
  unwind.push('kube-proxy logs', () => follower.stop());
  const nodes = machines.flatMap((machine) => {
    const hand = byName.get(machine.spec.name);
    return hand === undefined ? [] : [vmNode(machine, hand)];
  });
  return clusterOf({
    ...{ context, prepared, api: reached, nodes, machines, follower, unwind, broken },
  });
}

function demandSame({ kind }: Accel, saved: SavedCluster | undefined): void {
  if (saved === undefined || saved.accel === kind) return;
  const text = `its machines ran on ${saved.accel}, and this machine has ${kind} now`;
  throw new CoalmineError('provision', text);
}

async function waitUntilServing(
  { context, prepared, names, signal }: Work,
  { kube }: Api,
  machines: readonly Machine[],
  hands: readonly Hand[],
): Promise<void> {
  const { plan, say, logsDir } = context;
  const image = prepared.kubeProxyImage(kubeProxyVersions(plan).first);
  try {
    await waitForNodes(kube, { nodes: names, say, signal });
    const addresses = names.map((_, index) => nodeAddress(index));
    await Promise.all([
      waitForKubeProxy(kube, { image, nodes: names.length, signal }),
      startDns(kube, addresses, signal).then(() => waitForDns(kube, { say, signal })),
    ]);
  } catch (cause) {
    signal.throwIfAborted();
    const words = machines.map(async (machine, index) => {
      const hand = hands[index];
      return hand === undefined ? '' : await lastWords(machine, hand);
    });
    await copyConsoles(machines, logsDir, say);
    throw new CoalmineError(
      'provision',
      [messageOf(cause), ...(await Promise.all(words))].join('\n'),
      { cause },
    );
  }
}
