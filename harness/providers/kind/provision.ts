/** One cluster, from images to "Ready and serving". Every step listens to the run's signal and has a limit. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import type { KubeApi } from '../../core/kube.ts';
import { connectKube, loadClient } from '../kube.ts';
import type { Cluster, ClusterNode, ProvisionContext } from '../provider.ts';
import { nameOfRun, runFolder } from '../run-state.ts';
import { clusterOf } from './cluster.ts';
import { kindConfig, needsCgroupV1Word, nodeRoles, type KindConfigInput } from './config.ts';
import { createCluster, createNetwork, type Creation } from './create.ts';
import { destroyCluster } from './destroy.ts';
import { kindNodeNames, setUpEarly, type EarlySetup } from './early-setup.ts';
import { prepareKubeProxy, waitForKubeProxy } from '../kube-proxy.ts';
import { followOn } from './follow-file.ts';
import { demandKubelets } from './kubelet-versions.ts';
import { followKubeProxyLogs } from '../kube-proxy-logs.ts';
import { hasCgroupV1, lacksResourceCapability } from './machine.ts';
import { kindNode } from './node.ts';
import { putPodNetwork } from './node-setup.ts';
import { prepare, type KindParts, type Prepared } from './prepare.ts';
import { nodeRanges, waitUntilReady, type NodeRange } from './readiness.ts';
import { kubeProxyVersions } from '../versions.ts';
import { kubeletVersions } from './versions.ts';

/** Makes the cluster of a plan; what is half made when it fails is taken away again. */
export async function provisionKind(parts: KindParts, context: ProvisionContext): Promise<Cluster> {
  const { plan, signal, logsDir } = context;
  const workDir = runFolder(plan.runId);
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  await mkdir(logsDir, { recursive: true });
  const prepared = await prepare(parts, context, workDir);
  const name = nameOfRun(plan.runId);
  try {
    return await makeCluster(parts, context, prepared, await creationOf(parts, context, prepared));
  } catch (error) {
    await destroyCluster(parts.engine, name).catch((left: unknown) => {
      context.say(messageOf(left));
    });
    signal.throwIfAborted();
    throw asProvisionError(error, name, logsDir);
  }
}

function asProvisionError(error: unknown, name: string, logsDir: string): CoalmineError {
  if (error instanceof CoalmineError && error.code === 'provision') return error;
  return new CoalmineError('provision', `cluster ${name}: ${messageOf(error)}`, {
    wayOut: `Read the logs in ${logsDir}.`,
    cause: error,
  });
}

export async function creationOf(
  { engine }: KindParts,
  { plan, say, signal, logsDir }: ProvisionContext,
  { kind, nodeImages }: Prepared,
  { quickStart }: Pick<KindConfigInput, 'quickStart'> = { quickStart: true },
): Promise<Creation> {
  const name = nameOfRun(plan.runId);
  const knowsCgroupV1Word = kubeletVersions(plan).some(needsCgroupV1Word);
  return {
    ...{ engine, kind, name, runId: plan.runId, logsDir, say, signal },
    kubeconfig: path.join(runFolder(plan.runId), 'kubeconfig'),
    config: kindConfig({
      name,
      proxyMode: plan.proxyMode,
      nodes: nodeRoles(plan.nodes).map((role, index) => ({ role, image: nodeImages[index] ?? '' })),
      allowCgroupV1: hasCgroupV1() && knowsCgroupV1Word,
      restrictOomScore: await lacksResourceCapability(),
      quickStart,
    }),
  };
}

async function makeCluster(
  parts: KindParts,
  context: ProvisionContext,
  prepared: Prepared,
  creation: Creation,
): Promise<Cluster> {
  const { engine } = parts;
  const { plan, clock, say, signal, logsDir } = context;
  await createNetwork(creation);
  const workDir = runFolder(plan.runId);
  const ownImages = parts.settings.images === 'built';
  await createAndSetUp(creation, { creation, prepared, nodes: plan.nodes, workDir, ownImages });
  const kube = await connectKube(creation.kubeconfig, clock);
  const ranges = await nodeRanges(kube, plan.nodes, signal);
  const nodes = ranges
    .map(({ node, addresses }) =>
      kindNode(engine, { name: node, role: roleOf(node, creation.name), addresses }),
    )
    .sort((a, b) => (a.role < b.role ? -1 : a.role > b.role ? 1 : a.name < b.name ? -1 : 1));
  const first = prepared.kubeProxyImage(kubeProxyVersions(plan).first);
  await Promise.all(nodes.map((node) => connectPods(node, ranges, signal)));
  await allowPodsOnControlPlane(kube, nodes);
  await prepareKubeProxy(kube, first);
  await waitForKubeProxy(kube, { image: first, nodes: nodes.length, signal });
  const follower = await followKubeProxyLogs(kube, followOn(engine), logsDir, say);
  const gone = new AbortController();
  const ready = becomeReady(kube, context, AbortSignal.any([signal, gone.signal]));
  // Nobody waits for it where a run ends before.
  ready.catch(() => undefined);
  return clusterOf({ engine, kube, nodes, creation, prepared, follower, say, ready, gone });
}

async function becomeReady(
  kube: KubeApi,
  { plan, say, logsDir }: ProvisionContext,
  signal: AbortSignal,
): Promise<void> {
  const name = nameOfRun(plan.runId);
  const nodes = kindNodeNames(name, plan.nodes);
  try {
    await waitUntilReady(kube, { nodes, say, signal });
    await demandKubelets(kube, nodes, kubeletVersions(plan));
  } catch (error) {
    signal.throwIfAborted();
    throw asProvisionError(error, name, logsDir);
  }
}

/** The early setup is not waited for where kind fails: there may never be a node to set up. */
async function createAndSetUp(creation: Creation, setup: EarlySetup): Promise<void> {
  const failed = new AbortController();
  const early = setUpEarly(setup, AbortSignal.any([creation.signal, failed.signal]));
  const earlyError = early.then(
    () => undefined,
    (error: unknown) => error,
  );
  // A second of work, while kubeadm mostly waits; whether it went well is seen when the client is needed.
  void loadClient().catch(() => undefined);
  try {
    await createCluster(creation);
    const error = await earlyError;
    if (error !== undefined) throw asError(error);
  } finally {
    failed.abort();
    await earlyError;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

async function connectPods(
  node: ClusterNode,
  ranges: readonly NodeRange[],
  signal: AbortSignal,
): Promise<void> {
  const all = ranges.map(({ node, podCidr, addresses }) => ({
    node,
    podCidr,
    address: addresses[0] ?? '',
  }));
  const own = all.find((range) => range.node === node.name);
  if (own === undefined) throw new CoalmineError('provision', `${node.name} has no pod range`);
  await putPodNetwork(node, own, all, signal);
}

function roleOf(node: string, cluster: string): ClusterNode['role'] {
  return node === `${cluster}-control-plane` ? 'control-plane' : 'worker';
}

/** With two nodes both must take load; a taint would leave one of them idle. */
async function allowPodsOnControlPlane(
  kube: KubeApi,
  nodes: readonly ClusterNode[],
): Promise<void> {
  for (const { name } of nodes.filter((node) => node.role === 'control-plane'))
    await kube.patch({ apiVersion: 'v1', kind: 'Node', name }, { spec: { taints: null } });
}
