/** kubeadm's kube-proxy, made ready for upgrades node by node. */
import { z } from 'zod';
import { waitFor } from '../core/deadline.ts';
import type { KubeApi } from '../core/kube.ts';

const DAEMON_SET = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  name: 'kube-proxy',
  namespace: 'kube-system',
} as const;
const PODS = {
  apiVersion: 'v1',
  kind: 'Pod',
  namespace: 'kube-system',
  labelSelector: 'k8s-app=kube-proxy',
};

const daemonSetSchema = z.object({
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.array(z.looseObject({ name: z.string(), image: z.string() })),
      }),
    }),
  }),
});

/** OnDelete, so that a new image reaches a node only when its pod is deleted there; and the image that the plan starts with. */
export async function prepareKubeProxy(kube: KubeApi, image: string): Promise<void> {
  const found = daemonSetSchema.parse(await kube.get(DAEMON_SET));
  const [container, ...others] = found.spec.template.spec.containers;
  const containers = [{ ...container, image }, ...others];
  await kube.patch(DAEMON_SET, {
    spec: {
      updateStrategy: { type: 'OnDelete', rollingUpdate: null },
      template: { spec: { containers } },
    },
  });
  const old = (await kube.list(PODS)).filter((pod) => imageOf(pod) !== image);
  for (const { metadata } of old) await kube.delete({ ...PODS, ...metadata });
}

const podSchema = z.object({
  spec: z.object({ containers: z.array(z.object({ image: z.string() })) }),
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
  }),
});

function imageOf(pod: unknown): string | undefined {
  return podSchema.parse(pod).spec.containers[0]?.image;
}

/** Waits until each node has a Ready kube-proxy of this image, and no other. */
export async function waitForKubeProxy(
  kube: KubeApi,
  wait: { image: string; nodes: number; signal: AbortSignal },
): Promise<void> {
  const { image, nodes, signal } = wait;
  await waitFor(
    { what: `kube-proxy to run on ${nodes} nodes`, timeoutMs: 120_000, everyMs: 500, signal },
    async () => {
      const pods = (await kube.list(PODS)).map((pod) => podSchema.parse(pod));
      const ready = pods.filter(
        (pod) =>
          pod.spec.containers[0]?.image === image &&
          pod.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
      );
      return ready.length === nodes && pods.length === nodes ? true : undefined;
    },
  );
}
