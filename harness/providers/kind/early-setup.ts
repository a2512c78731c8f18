/**
 * What nodes get while kubeadm still works on the cluster, for it spends much of its time waiting: programs, images that
 * their containerd lacks, and the pod network as soon as Services work.
 */
import { waitFor } from '../../core/deadline.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { ClusterNode } from '../provider.ts';
import type { Creation } from './create.ts';
import { connectEarly, prepareDns } from './early-network.ts';
import { kindNode } from './node.ts';
import { importImages, importPulled, putNodeFiles } from './node-setup.ts';
import type { Prepared } from './prepare.ts';

export interface EarlySetup {
  creation: Creation;
  prepared: Prepared;
  nodes: number;
  workDir: string;
  /** Whether our kube-proxy image, with Debian's default backend, runs on the nodes. */
  ownImages: boolean;
}

/** Names as kind gives them, in the order of the configuration. */
export function kindNodeNames(cluster: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    if (index === 0) return `${cluster}-control-plane`;
    return index === 1 ? `${cluster}-worker` : `${cluster}-worker${index}`;
  });
}

/** Starts as soon as the containers run; a caller whose cluster fails aborts `signal`. */
export async function setUpEarly(setup: EarlySetup, signal: AbortSignal): Promise<void> {
  const { creation, prepared, nodes: count, workDir, ownImages } = setup;
  const { engine, name, kind } = creation;
  const nodes = kindNodeNames(name, count).map((nodeName) =>
    kindNode(engine, { name: nodeName, role: 'worker', addresses: [] }),
  );
  const programs = nodes.map(async (node) => {
    await containerdAnswers(node, signal);
    if (ownImages) await useNftBackend(node, signal);
    await putNodeFiles(engine, node, prepared.nodeFiles, signal);
  });
  const images = async (): Promise<void> => {
    await Promise.all(programs);
    const into = { engine, kind, cluster: name, workDir, signal };
    await importImages(prepared.imports, into);
    await importPulled(prepared.pulled, into);
  };
  const [controlPlane] = nodes;
  if (controlPlane === undefined) throw new Error('a cluster has a node');
  const dns = Promise.all(programs).then(() => prepareDns(controlPlane, signal));
  const networks = nodes.map(async (node, index) => {
    await programs[index];
    await connectEarly(node, controlPlane, dns, signal);
  });
  await Promise.all([dns, ...networks, images()]);
}

async function containerdAnswers(node: ClusterNode, signal: AbortSignal): Promise<void> {
  const what = `containerd on ${node.name} to answer`;
  await waitFor({ what, timeoutMs: 240_000, everyMs: 500, signal }, async () => {
    const asked = await node.run({ argv: ['ctr', 'version'] }, { timeoutMs: 20_000, signal });
    return asked.exitCode === 0 ? true : undefined;
  });
}

/**
 * kind's entry point chooses iptables' backend by counting docker's rules, and our kube-proxy image has Debian's default.
 * Were they to differ, `iptables-save` on the node would not show kube-proxy's rules.
 */
async function useNftBackend(node: ClusterNode, signal: AbortSignal): Promise<void> {
  for (const tool of ['iptables', 'ip6tables'])
    await runOrThrow(
      node,
      { argv: ['update-alternatives', '--set', tool, `/usr/sbin/${tool}-nft`] },
      { timeoutMs: 30_000, signal },
    );
}
