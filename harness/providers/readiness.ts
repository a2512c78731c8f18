/** When a cluster may be handed over: every node Ready, and CoreDNS serving. */
import { z } from 'zod';
import { waitFor } from '../core/deadline.ts';
import type { KubeApi } from '../core/kube.ts';

export interface ReadyWait {
  nodes: readonly string[];
  say: (line: string) => void;
  signal: AbortSignal;
}

const TIMEOUT_MS = 180_000;
const EVERY_MS = 250;

const nodeSchema = z.object({
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
  }),
});

const deploymentSchema = z.object({
  metadata: z.object({ generation: z.number() }),
  spec: z.object({ replicas: z.number() }),
  status: z.object({
    observedGeneration: z.number().default(0),
    replicas: z.number().default(0),
    updatedReplicas: z.number().default(0),
    readyReplicas: z.number().default(0),
  }),
});

export const COREDNS = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  name: 'coredns',
  namespace: 'kube-system',
} as const;

export async function waitForNodes(kube: KubeApi, wait: ReadyWait): Promise<void> {
  const { nodes, say, signal } = wait;
  const what = `${nodes.length} nodes to be Ready`;
  await waitFor({ what, timeoutMs: TIMEOUT_MS, everyMs: EVERY_MS, signal }, async () => {
    const found = (await kube.list({ apiVersion: 'v1', kind: 'Node' })).map((node) =>
      nodeSchema.parse(node),
    );
    const ready = found.filter(({ status }) =>
      status.conditions.some((one) => one.type === 'Ready' && one.status === 'True'),
    );
    return ready.length === nodes.length ? true : undefined;
  });
  say(`${nodes.length} nodes are Ready`);
}

export async function waitForDns(
  kube: KubeApi,
  { say, signal }: Pick<ReadyWait, 'say' | 'signal'>,
): Promise<void> {
  const wait = { what: 'CoreDNS to serve', timeoutMs: TIMEOUT_MS, everyMs: EVERY_MS, signal };
  await waitFor(wait, async () => {
    const { metadata, spec, status } = deploymentSchema.parse(await kube.get(COREDNS));
    const all = [status.replicas, status.updatedReplicas, status.readyReplicas];
    const current = status.observedGeneration >= metadata.generation;
    return current && all.every((count) => count === spec.replicas) ? true : undefined;
  });
  say('CoreDNS serves');
}
