/** When a cluster may be handed over: every node Ready, and CoreDNS serving. */
import { z } from 'zod';
import { waitFor } from '../../core/deadline.ts';
import type { KubeApi } from '../../core/kube.ts';

export interface ReadyWait {
  nodes: readonly string[];
  say: (line: string) => void;
  signal: AbortSignal;
}

const nodeSchema = z.object({
  metadata: z.object({ name: z.string() }),
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
  }),
});

const deploymentSchema = z.object({
  spec: z.object({ replicas: z.number() }),
  status: z.object({ readyReplicas: z.number().default(0) }),
});

export async function waitUntilReady(kube: KubeApi, wait: ReadyWait): Promise<void> {
  const { nodes, say, signal } = wait;
  const limits = { timeoutMs: 180_000, everyMs: 250, signal };
  await waitFor({ what: `${nodes.length} nodes to be Ready`, ...limits }, async () => {
    const found = (await kube.list({ apiVersion: 'v1', kind: 'Node' })).map((node) =>
      nodeSchema.parse(node),
    );
    const ready = found.filter(({ status }) =>
      status.conditions.some((one) => one.type === 'Ready' && one.status === 'True'),
    );
    return ready.length === nodes.length ? true : undefined;
  });
  say(`${nodes.length} nodes are Ready`);
  await waitFor({ what: 'CoreDNS to serve', ...limits }, async () => {
    const { spec, status } = deploymentSchema.parse(await kube.get(COREDNS));
    return status.readyReplicas === spec.replicas ? true : undefined;
  });
  say('CoreDNS serves');
}

const COREDNS = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  name: 'coredns',
  namespace: 'kube-system',
} as const;

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
