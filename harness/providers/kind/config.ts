/** kind's own configuration file of a cluster. Pure. */
import { stringify } from 'yaml';
import type { Plan } from '../../core/plan.ts';
import { POD_SUBNET, SERVICE_SUBNET } from '../cluster-networks.ts';

export interface KindNodeConfig {
  role: 'control-plane' | 'worker';
  image: string;
}

export interface KindConfigInput {
  name: string;
  nodes: readonly KindNodeConfig[];
  proxyMode: Plan['proxyMode'];
  /** Where this machine's cgroups are of version 1, kubelets of 1.35 and later refuse to start unless told not to. */
  allowCgroupV1: boolean;
  /** Where root lacks CAP_SYS_RESOURCE, whoever runs the engine, a container's oom_score_adj cannot be lowered; containerd must not try. */
  restrictOomScore: boolean;
  /** Whether the controller manager may ask as often as it likes while the cluster comes up. */
  quickStart: boolean;
}

export function kindConfig(input: KindConfigInput): string {
  const { name, nodes, proxyMode, allowCgroupV1, restrictOomScore, quickStart } = input;
  return stringify(
    {
      kind: 'Cluster',
      apiVersion: 'kind.x-k8s.io/v1alpha4',
      name,
      networking: {
        ipFamily: 'ipv4',
        // The port is left to kind, which asks the kernel for a free one.
        apiServerAddress: '127.0.0.1',
        podSubnet: POD_SUBNET,
        serviceSubnet: SERVICE_SUBNET,
        // kind's own needs an image from a registry; pod-network.ts does the same with the plugins on the node.
        disableDefaultCNI: true,
        kubeProxyMode: proxyMode,
      },
      nodes: nodes.map(({ role, image }) => ({ role, image })),
      kubeadmConfigPatches: [
        kubeletPatch(allowCgroupV1),
        ...(quickStart ? CONTROLLER_PATCHES.map((patch) => stringify(patch)) : []),
      ],
      ...(restrictOomScore ? { containerdConfigPatches: [RESTRICTED_OOM_SCORE] } : {}),
    },
    { lineWidth: 0 },
  );
}

/** The read-only port is for the probe of the kubelet's own drop counters; the cluster lives for minutes and serves nobody. */
function kubeletPatch(allowCgroupV1: boolean): string {
  return stringify({
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    readOnlyPort: 10_255,
    ...(allowCgroupV1 ? { failCgroupV1: false } : {}),
  });
}

/**
 * It asks for a token for each of its forty controllers, and none works before all have theirs. With twenty requests a
 * second, the default, that takes five seconds, and workers that try to join meanwhile wait for five or ten.
 */
const CONTROLLER_ARGS = { 'kube-api-qps': '200', 'kube-api-burst': '400' } as const;

/** kind writes the version that kubeadm understands; a patch of another one is left out. */
const CONTROLLER_PATCHES = [
  {
    kind: 'ClusterConfiguration',
    apiVersion: 'kubeadm.k8s.io/v1beta3',
    controllerManager: { extraArgs: CONTROLLER_ARGS },
  },
  {
    kind: 'ClusterConfiguration',
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    controllerManager: {
      extraArgs: Object.entries(CONTROLLER_ARGS).map(([name, value]) => ({ name, value })),
    },
  },
];

const RESTRICTED_OOM_SCORE = `[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
`;

/** The option exists since 1.31 and is strict since 1.35; older kubelets would refuse the unknown field. */
export function needsCgroupV1Word(kubernetes: string): boolean {
  const [major = 0, minor = 0] = kubernetes.split('.').map(Number);
  return major > 1 || (major === 1 && minor >= 35);
}

/** One control plane, which also takes pods, and workers for the rest. */
export function nodeRoles(count: number): KindNodeConfig['role'][] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? 'control-plane' : 'worker'));
}
