/** Which components a run needs: pure, so that `plan` and `setup` can list them without touching anything. */
import type { ComponentName, ComponentRef } from './component.ts';

/** Versions that follow from our own choice and not from a scenario. */
export const PINS = {
  // What kubeadm 1.34 deploys by default (its image tag is v1.12.1).
  coredns: '1.12.1',
  // kubeadm 1.34 asks for the image tag 3.6.5-0; 3.6.6 is the nearest release whose module is served.
  etcd: '3.6.6',
  // Also holds the entry point and units of the node image.
  kind: '0.33.0',
  // The newest that module proxies serve: its v2 module path is not; @types/k6 follows it.
  k6: '1.8.1',
  // bookworm's: what the first root of a machine is made of.
  busybox: '1.35.0',
  // forky's: trixie's 4.1.1 asks TCP sockets of a kernel 6.18 for what they no longer have, bookworm's cannot read its vDSO.
  criu: '4.2.1',
} as const satisfies Partial<Record<ComponentName, string>>;

/** What the node image of one Kubernetes version is made of, kube-proxy excepted: that has an image of its own. */
const NODE_COMPONENTS = [
  'kubelet',
  'kubeadm',
  'kubectl',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
] as const satisfies readonly ComponentName[];

export interface KindRunVersions {
  /** Of the control plane, and of everything on the nodes about which nothing else is said. */
  kubernetes: string;
  /** Of each node's kubelet. */
  kubelets: readonly string[];
  /** Every version that kube-proxy has during the run. */
  kubeProxy: readonly string[];
  /** Node.js on the nodes; the controller's own is the one that needs no download. */
  node: string;
}

/** Returns each component once, in an order in which the expensive shared compilation comes first. */
export function kindRunComponents(versions: KindRunVersions): ComponentRef[] {
  const { kubernetes, kubelets, kubeProxy, node } = versions;
  const ofKubernetes = [...NODE_COMPONENTS, 'agnhost' as const];
  return [
    ...ofKubernetes.map((component) => ({ component, version: kubernetes })),
    ...[...new Set(kubeProxy)]
      .sort((a, b) => Number(b === kubernetes) - Number(a === kubernetes))
      .map((version) => ({ component: 'kube-proxy' as const, version })),
    ...[...new Set(kubelets)]
      .filter((version) => version !== kubernetes)
      .map((version) => ({ component: 'kubelet' as const, version })),
    ...(['etcd', 'coredns', 'kind', 'k6'] as const).map((component) => ({
      component,
      version: PINS[component],
    })),
    { component: 'node', version: node },
  ];
}

export interface VmRunVersions extends KindRunVersions {
  /** Series: `6.1`. */
  kernel: string;
  /** Debian's whole version; absent where no irqbalance runs. */
  irqbalance: string | undefined;
}

/** The same for nodes that are machines: they need no kind, and bring their own kernel. */
export function vmRunComponents(versions: VmRunVersions): ComponentRef[] {
  const { kernel, irqbalance } = versions;
  return [
    ...kindRunComponents(versions).filter(({ component }) => component !== 'kind'),
    { component: 'kernel', version: kernel },
    { component: 'busybox', version: PINS.busybox },
    ...(irqbalance === undefined
      ? []
      : [{ component: 'irqbalance' as const, version: irqbalance }]),
  ];
}
