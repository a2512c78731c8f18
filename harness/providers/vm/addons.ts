/** What runs in every cluster of kubeadm: kube-proxy on each node, and CoreDNS. Applied before there is a node. */
import type { KubeApi } from '../../core/kube.ts';
import { prepareKubeProxy } from '../kube-proxy.ts';
import { COREDNS } from '../readiness.ts';
import type { ControlPlane } from './control-plane.ts';

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
  await kube.patch(COREDNS, dnsPlacement(nodes));
}

/**
 * One CoreDNS, for a second one on the same machines would serve nobody better; and not on the canary, because a scenario
 * that freezes it would freeze DNS for everybody with it. Pure.
 */
export function dnsPlacement(nodes: readonly string[]): Record<string, unknown> {
  const [canary, ...rest] = nodes;
  if (canary === undefined || rest.length === 0) return { spec: { replicas: 1 } };
  const elsewhere = { key: 'kubernetes.io/hostname', operator: 'NotIn', values: [canary] };
  const required = { nodeSelectorTerms: [{ matchExpressions: [elsewhere] }] };
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: required };
  return { spec: { replicas: 1, template: { spec: { affinity: { nodeAffinity } } } } };
}
