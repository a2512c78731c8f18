/** Which versions a plan means: what it says, our own pins, and what follows from the Kubernetes version. Pure. */
import type { ImageVersions } from '../components/image/images.ts';
import { DEFAULT_SUITE } from '../components/image/rootfs.ts';
import { PINS } from '../components/plan-components.ts';
import { CoalmineError } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';

/** Debian’s releases by the iptables that they ship. */
const SUITE_OF_IPTABLES: Readonly<Record<string, string>> = {
  '1.8.7': 'bullseye',
  '1.8.9': 'bookworm',
  '1.8.11': 'trixie',
  '1.8.13': 'sid',
};

/** Why a plan's iptables cannot be had, one sentence, or none. */
export function iptablesRefusals({ components }: Plan): string[] {
  const { iptables } = components;
  if (iptables === undefined || SUITE_OF_IPTABLES[iptables] !== undefined) return [];
  const there = Object.keys(SUITE_OF_IPTABLES).join(', ');
  return [`no Debian release ships iptables ${iptables}; there are ${there}`];
}

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
