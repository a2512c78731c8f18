/** What disruptions ask the API server about pods. */
import { z } from 'zod';
import type { KubeApi } from '../core/kube.ts';

const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z.object({
    nodeName: z.string().optional(),
    containers: z.array(z.object({ image: z.string().default('') })),
  }),
  status: z
    .object({
      podIP: z.string().optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .default({ conditions: [] }),
});

export interface Pod {
  name: string;
  namespace: string;
  uid: string;
  node: string | undefined;
  ip: string | undefined;
  images: string[];
  /** Ready, and not on its way out. */
  ready: boolean;
}

export interface PodQuery {
  namespace: string;
  /** Label selector, for example `app=echo`. */
  selector: string;
  /** Only those bound to this node. */
  node?: string;
}

/** Returns the pods that match, by name. */
export async function listPods(
  kube: KubeApi,
  { namespace, selector, node }: PodQuery,
): Promise<Pod[]> {
  const kind = { apiVersion: 'v1', kind: 'Pod', namespace, labelSelector: selector };
  return (await kube.list(kind))
    .map((object) => toPod(podSchema.parse(object)))
    .filter((pod) => node === undefined || pod.node === node)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export async function deletePod(kube: KubeApi, pod: Pod, graceSeconds?: number): Promise<void> {
  const { name, namespace } = pod;
  const ref = { apiVersion: 'v1', kind: 'Pod', name, namespace };
  await kube.delete(ref, graceSeconds === undefined ? {} : { graceSeconds });
}

function toPod({ metadata, spec, status }: z.infer<typeof podSchema>): Pod {
  const { name, namespace, uid, deletionTimestamp } = metadata;
  const isReady = status.conditions.some((one) => one.type === 'Ready' && one.status === 'True');
  return {
    name,
    namespace,
    uid,
    node: spec.nodeName,
    ip: status.podIP,
    images: spec.containers.map(({ image }) => image),
    ready: isReady && deletionTimestamp === undefined,
  };
}
