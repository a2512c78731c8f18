/** What a plan can ask that nodes of this provider can never give. Pure. */
import { faultsOf, type Plan, type PluginUse } from '../../core/plan.ts';
import { iptablesRefusals } from '../versions.ts';

const SERVED = [
  ...['kubernetes', 'kube-proxy', 'iptables', 'coredns', 'etcd'],
  ...['kernel', 'irqbalance'],
];

const BECAUSE: Partial<Record<string, string>> = {
  kubelet: 'all machines of a run share one disk, whose kubelet is of the cluster’s own version',
  'canary-kubelet':
    'all machines of a run share one disk, whose kubelet is of the cluster’s own version',
  containerd:
    'machines run the containerd of their Debian release, so its version cannot be chosen',
};

/** Series of kernels that Debian’s releases ship, from bullseye to sid. */
const KERNELS = ['5.10', '6.1', '6.12', '7.2'];

export function vmRefusals(plan: Plan): string[] {
  const upgraded = plan.phases.flatMap((phase) =>
    phase.upgrade === undefined ? [] : [phase.upgrade.component],
  );
  const asked = [...new Set([...Object.keys(plan.components), ...upgraded])];
  const { kernel } = plan.components;
  return [
    ...asked
      .filter((component) => !SERVED.includes(component))
      .map((component) => BECAUSE[component] ?? `vm cannot choose a version of ${component}`),
    ...upgraded
      .filter((component) => component !== 'kube-proxy' && SERVED.includes(component))
      .map((component) => `on vm, ${component} cannot be upgraded while a cluster runs`),
    ...(kernel !== undefined && !KERNELS.includes(kernel)
      ? [`no Debian release ships kernel ${kernel}; there are ${KERNELS.join(', ')}`]
      : []),
    ...iptablesRefusals(plan),
    ...plan.phases.flatMap(faultsOf).flatMap(faultRefusals),
  ];
}

/** A machine has no cgroup around it that could be frozen. */
function faultRefusals(fault: PluginUse): string[] {
  if (fault.name !== 'freeze' || fault.params['how'] !== 'pause') return [];
  return [
    'pause stops the processes of a container; a machine is frozen by suspend or stall instead',
  ];
}
