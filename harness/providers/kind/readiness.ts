/** When a kind cluster may be handed over, and which pod range its nodes were given. */
import { z } from 'zod';
import { waitFor } from '../../core/deadline.ts';
import type { KubeApi } from '../../core/kube.ts';
import { waitForDns, waitForNodes, type ReadyWait } from '../readiness.ts';

export async function waitUntilReady(kube: KubeApi, wait: ReadyWait): Promise<void> {
  await waitForNodes(kube, wait);
  await waitForDns(kube, wait);
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
