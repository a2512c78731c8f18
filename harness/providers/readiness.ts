/** When a cluster may be handed over: every node Ready, and CoreDNS serving. */
import { z } from 'zod';
import { waitFor } from '../core/deadline.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';
import type { KubeApi, KubeObject } from '../core/kube.ts';
import { readyLimitMs } from './ready-limit.ts';

export interface ReadyWait {
  nodes: readonly string[];
  say: (line: string) => void;
  signal: AbortSignal;
  /** How long the nodes may take; as the environment says where nothing is said. */
  timeoutMs?: number;
}

const DNS_MS = 180_000;
const EVERY_MS = 250;

const nodeSchema = z.object({
  metadata: z.object({ name: z.string() }),
  status: z
    .object({
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string().default(''),
            message: z.string().default(''),
          }),
        )
        .default([]),
    })
    .default({ conditions: [] }),
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

/** Throws `deadline` with how far each node came that is not Ready. */
export async function waitForNodes(kube: KubeApi, wait: ReadyWait): Promise<void> {
  const { nodes, say, signal, timeoutMs = readyLimitMs(process.env) } = wait;
  const what = `${nodes.length} nodes to be Ready`;
  let late: string[] = [];
  await waitFor({ what, timeoutMs, everyMs: EVERY_MS, signal }, async () => {
    late = notReady(nodes, await kube.list({ apiVersion: 'v1', kind: 'Node' }));
    return late.length === 0 ? true : undefined;
  }).catch((cause: unknown) => {
    signal.throwIfAborted();
    const text = [messageOf(cause), ...late].join('; ');
    throw new CoalmineError('deadline', text, { cause });
  });
  say(nodes.length === 1 ? `${nodes.join('')} is Ready` : `${nodes.length} nodes are Ready`);
}

/** One sentence for each node that is not Ready: how far it came. Pure. */
export function notReady(names: readonly string[], found: readonly KubeObject[]): string[] {
  const nodes = found.map((node) => nodeSchema.parse(node));
  return names.flatMap((name) => {
    const node = nodes.find(({ metadata }) => metadata.name === name);
    if (node === undefined) return [`${name} is not registered`];
    const ready = node.status.conditions.find(({ type }) => type === 'Ready');
    if (ready === undefined) return [`${name}: its kubelet never reported`];
    const { status, reason, message } = ready;
    return status === 'True' ? [] : [`${name}: Ready is ${status} (${reason}: ${message})`];
  });
}

export async function waitForDns(
  kube: KubeApi,
  { say, signal }: Pick<ReadyWait, 'say' | 'signal'>,
): Promise<void> {
  const wait = { what: 'CoreDNS to serve', timeoutMs: DNS_MS, everyMs: EVERY_MS, signal };
  await waitFor(wait, async () => {
    const { metadata, spec, status } = deploymentSchema.parse(await kube.get(COREDNS));
    const all = [status.replicas, status.updatedReplicas, status.readyReplicas];
    const current = status.observedGeneration >= metadata.generation;
    return current && all.every((count) => count === spec.replicas) ? true : undefined;
  });
  say('CoreDNS serves');
}
