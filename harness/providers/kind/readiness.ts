/** When a kind cluster may be handed over, and which pod range its nodes were given. */
import { z } from 'zod';
import { waitFor } from '../../core/deadline.ts';
import type { KubeApi } from '../../core/kube.ts';
import { COREDNS, waitForDns, waitForNodes, type ReadyWait } from '../readiness.ts';

const podSchema = z.object({ spec: z.object({ nodeName: z.string().optional() }) });

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

export async function waitUntilReady(kube: KubeApi, wait: ReadyWait): Promise<void> {
  await waitForNodes(kube, wait);
  await keepDnsOffWorkers(kube);
  await waitForDns(kube, wait);
}

/**
 * CoreDNS is nearly always where kubeadm began, on the control plane; where a worker joined quickly it may be there, and a
 * scenario that freezes the canary would freeze DNS for everybody with it, in one run of many.
 */
async function keepDnsOffWorkers(kube: KubeApi): Promise<void> {
  const nodes = await kube.list({ apiVersion: 'v1', kind: 'Node', labelSelector: CONTROL_PLANE });
  const allowed = nodes.map(({ metadata }) => metadata.name);
  const dns = { namespace: COREDNS.namespace, labelSelector: 'k8s-app=kube-dns' };
  const pods = await kube.list({ apiVersion: 'v1', kind: 'Pod', ...dns });
  const placed = pods.map((pod) => podSchema.parse(pod).spec.nodeName);
  if (placed.every((node) => node !== undefined && allowed.includes(node))) return;
  await kube.patch(COREDNS, {
    spec: { template: { spec: { nodeSelector: { [CONTROL_PLANE]: '' } } } },
  });
}

const rangeSchema = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ podCIDR: z.string() }),
  status: z.object({
    addresses: z.array(z.object({ type: z.string(), address: z.string() })),
  }),
});

export interface NodeRange {
  node: string;
  podCidr: string;
  addresses: string[];
}

/** Returns each node's pod range and its addresses, once the controller has given every node one. */
export async function nodeRanges(
  kube: KubeApi,
  count: number,
  signal: AbortSignal,
): Promise<NodeRange[]> {
  const what = `${count} nodes to have a pod range`;
  return waitFor({ what, timeoutMs: 60_000, everyMs: 100, signal }, async () => {
    const parsed = (await kube.list({ apiVersion: 'v1', kind: 'Node' })).map((node) =>
      rangeSchema.safeParse(node),
    );
    const ranges = parsed.flatMap(({ data }) => (data === undefined ? [] : [data]));
    if (ranges.length !== count) return undefined;
    return ranges.map(({ metadata, spec, status }) => ({
      node: metadata.name,
      podCidr: spec.podCIDR,
      addresses: status.addresses
        .filter(({ type }) => type === 'InternalIP')
        .map(({ address }) => address),
    }));
  });
}
