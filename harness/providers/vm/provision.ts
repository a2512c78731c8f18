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
import { nodeAddress } from './addresses.ts';
import { bootNode } from './boot-node.ts';
import { clusterOf, copyConsoles } from './cluster.ts';
import { followThrough } from './follow-file.ts';
import type { Hand } from './hand.ts';
import { lastWords } from './last-words.ts';
import type { Machine } from './machine.ts';
import { createNetwork } from './network.ts';
import { vmNode } from './node.ts';
import { prepareVm, type VmParts } from './prepare.ts';
import { NO_SNAPSHOT, useSnapshot } from './snapshot.ts';
import { startApi, type Api } from './start-api.ts';
import { startMachines } from './start-machines.ts';
import { vmNodeNames } from './versions.ts';
import { allOf, type Work } from './work.ts';

/** Inside the run's own namespaces only. What is half made when it fails is taken away again. */
export async function provisionVm(parts: VmParts, context: ProvisionContext): Promise<Cluster> {
  const { plan, say, signal, logsDir } = context;
  const prepared = await prepareVm(parts, context);
  const folder = path.join(runFolder(plan.runId), 'vm');
  const broken = new AbortController();
  const unwind = new Unwind();
  unwind.push('files', () => rm(folder, { recursive: true, force: true }));
  const work: Work = {
    ...{ context, prepared, folder, unwind, names: vmNodeNames(plan.nodes) },
    signal: AbortSignal.any([signal, broken.signal]),
    giveUp: (reason) => {
      broken.abort(reason);
    },
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await mkdir(logsDir, { recursive: true });
    return await makeCluster(work, parts, broken.signal);
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

async function makeCluster(work: Work, parts: VmParts, broken: AbortSignal): Promise<Cluster> {
  const { context, prepared, unwind } = work;
  const { say, logsDir } = context;
  const network = await createNetwork();
  unwind.push('network', () => network.close());
  const api = startApi(work);
  const { snapshots } = parts;
  const snapshot = snapshots === undefined ? NO_SNAPSHOT : useSnapshot(work, snapshots);
  const machines = startMachines(work, network, parts.machineProgram, snapshot);
  const [reached, started, hands] = await allOf(work, [
    api,
    machines,
    machines.then((all) =>
      allOf(
        work,
        all.map((one) => bootNode(work, one, api, snapshot)),
      ),
    ),
  ]).catch(async (error: unknown) => {
    await copyConsoles(await machines.catch(() => []), logsDir, say);
    throw error;
  });
  await waitUntilServing(work, reached, started, hands);
  const byName = new Map(hands.map((hand) => [hand.name, hand]));
  const follower = await followKubeProxyLogs(reached.kube, followThrough(byName), logsDir, say);
  unwind.push('kube-proxy logs', () => follower.stop());
  const nodes = started.flatMap((machine) => {
    const hand = byName.get(machine.spec.name);
    return hand === undefined ? [] : [vmNode(machine, hand)];
  });
  return clusterOf({
    context,
    prepared,
    api: reached,
    nodes,
    machines: started,
    follower,
    unwind,
    broken,
  });
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
