/** Which versions a plan means on kind: what it says, our own pins, and what follows from the Kubernetes version. Pure. */
import type { Plan } from '../../core/plan.ts';
import { CoalmineError } from '../../core/errors.ts';
import { kubeProxyImageName, type ImageVersions } from '../../components/image/images.ts';
import { DEFAULT_SUITE } from '../../components/image/rootfs.ts';
import { PINS } from '../../components/plan-components.ts';
import { SUITE_OF_IPTABLES } from './refusals.ts';

export function imageVersions({ components }: Plan): ImageVersions {
  const kubernetes = components['kubernetes'];
  if (kubernetes === undefined)
    throw new CoalmineError('usage', 'the plan names no version of the component kubernetes');
  return {
    kubernetes,
    agnhost: kubernetes,
    etcd: components['etcd'] ?? PINS.etcd,
    coredns: components['coredns'] ?? PINS.coredns,
    kind: PINS.kind,
    k6: PINS.k6,
  };
}

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

export interface KubeProxyVersions {
  /** What runs when the cluster is handed over. */
  first: string;
  /** Each once, the first included. */
  all: readonly string[];
  /** Debian release whose iptables and nftables it calls. */
  suite: string;
}

export function kubeProxyVersions(plan: Plan): KubeProxyVersions {
  const first = plan.components['kube-proxy'] ?? imageVersions(plan).kubernetes;
  const later = plan.phases.flatMap(({ upgrade }) =>
    upgrade?.component === 'kube-proxy' ? [upgrade.to] : [],
  );
  const iptables = plan.components['iptables'];
  const suite = iptables === undefined ? DEFAULT_SUITE : SUITE_OF_IPTABLES[iptables];
  return { first, all: [...new Set([first, ...later])], suite: suite ?? DEFAULT_SUITE };
}

/** Those that a node image of this Kubernetes version does not hold already. */
export function extraKubeProxies(plan: Plan): string[] {
  const { kubernetes } = imageVersions(plan);
  const { all, suite } = kubeProxyVersions(plan);
  const held = kubeProxyImageName(kubernetes, DEFAULT_SUITE);
  return all.filter((version) => kubeProxyImageName(version, suite) !== held);
}
