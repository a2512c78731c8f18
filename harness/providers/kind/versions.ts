/** Which versions a plan means for the nodes of kind. Pure. */
import { kubeProxyImageName } from '../../components/image/images.ts';
import { DEFAULT_SUITE } from '../../components/image/rootfs.ts';
import type { Plan } from '../../core/plan.ts';
import { imageVersions, kubeProxyVersions } from '../versions.ts';

/**
 * Of each node in the order of `nodeRoles`: the control plane, whose kubelet is always of its own version, then the first
 * worker, which is the canary, then the others.
 */
export function kubeletVersions(plan: Plan): string[] {
  const { kubernetes } = imageVersions(plan);
  const { kubelet = kubernetes, 'canary-kubelet': canary = kubelet } = plan.components;
  const first = [kubernetes, canary];
  return Array.from({ length: plan.nodes }, (_, index) => first[index] ?? kubelet);
}

/** Those that a node image of this Kubernetes version does not hold already. */
export function extraKubeProxies(plan: Plan): string[] {
  const { kubernetes } = imageVersions(plan);
  const { all, suite } = kubeProxyVersions(plan);
  const held = kubeProxyImageName(kubernetes, DEFAULT_SUITE);
  return all.filter((version) => kubeProxyImageName(version, suite) !== held);
}
