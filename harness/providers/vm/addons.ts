/** What runs in every cluster of kubeadm: kube-proxy on each node, and CoreDNS. Applied before there is a node. */
import { z } from 'zod';
import type { KubeApi } from '../../core/kube.ts';
import { prepareKubeProxy } from '../kube-proxy.ts';
import { COREDNS } from '../readiness.ts';
import type { ControlPlane } from './control-plane.ts';
import { untilServes } from './serves.ts';

export interface Addons {
  /** Of kube-proxy, as the run starts. */
  kubeProxyImage: string;
  /** Names of all nodes; the first is the canary. */
  nodes: readonly string[];
}

export async function applyAddons(
  kube: KubeApi,
  { kubeadm, kubeconfig }: Pick<ControlPlane, 'kubeadm' | 'kubeconfig'>,
  { kubeProxyImage, nodes }: Addons,
): Promise<void> {
  await kubeadm.applyAddon('kube-proxy', kubeconfig);
  await prepareKubeProxy(kube, kubeProxyImage);
  await kubeadm.applyAddon('coredns', kubeconfig);
  const deployment = dnsSchema.parse(await kube.get(COREDNS));
  await kube.patch(COREDNS, dnsBefore(deployment, nodes));
}

const dnsSchema = z.object({
  spec: z.object({
    template: z.object({ spec: z.object({ containers: z.array(z.looseObject({})) }) }),
  }),
});

/**
 * None until `startDns`. One then, for a second one on the same machines would serve nobody better; and not on the canary,
 * because a scenario that freezes it would freeze DNS for everybody with it. Asked each second, it is Ready as soon as it
 * serves, and not at the second look, ten seconds later; it may be silent for as long as before. Pure.
 */
export function dnsBefore(
  deployment: z.infer<typeof dnsSchema>,
  nodes: readonly string[],
): Record<string, unknown> {
  const containers = deployment.spec.template.spec.containers.map((container) => ({
    ...container,
    readinessProbe: {
      ...(container['readinessProbe'] as Record<string, unknown>),
      ...{ periodSeconds: 1, failureThreshold: 30 },
    },
  }));
  const [canary, ...rest] = nodes;
  const elsewhere = { key: 'kubernetes.io/hostname', operator: 'NotIn', values: [canary] };
  const required = { nodeSelectorTerms: [{ matchExpressions: [elsewhere] }] };
  const affinity = {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required },
  };
  const spec = { containers, ...(rest.length === 0 ? {} : { affinity }) };
  return { spec: { replicas: 0, template: { spec } } };
}

/**
 * As soon as kube-proxy serves on every node. A pod that asks for a Service before there is a rule for it waits out TCP's
 * patience: the kernel remembers the connection as one without translation. CoreDNS would lose half a minute.
 */
export async function startDns(
  kube: KubeApi,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(addresses.map((address) => untilServes('kube-proxy', address, signal)));
  await kube.patch(COREDNS, { spec: { replicas: 1 } });
}
