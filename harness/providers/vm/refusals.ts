/** What a plan can ask that nodes of this provider can never give. Pure. */
import type { Plan, PluginUse } from '../../core/plan.ts';
import { disturbancesOf, ipvsRefusals } from '../fault-needs.ts';
import { iptablesRefusals } from '../versions.ts';
import { machineShape } from './versions.ts';

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
    ...ipvsRefusals(plan),
    ...new Set(
      disturbancesOf(plan).flatMap((use) => faultRefusals(use, machineShape(plan).testNics)),
    ),
  ];
}

/** What works on NICs under test, of which there are none by default. */
const OF_NICS = ['flood', 'nic-reattach'];

function faultRefusals({ name, params }: PluginUse, testNics: number): string[] {
  // A machine has no cgroup around it that could be frozen.
  if (name === 'freeze' && params['how'] === 'pause')
    return [
      'pause stops the processes of a container; a machine is frozen by suspend or stall instead',
    ];
  const wanted = OF_NICS.includes(name) ? testNicsFor(params) : 0;
  if (wanted <= testNics) return [];
  const what = wanted === 1 ? 'a NIC under test' : `${wanted} NICs under test`;
  return [`${name} needs ${what}: say \`machine: { testNics: ${wanted} }\``];
}

/** `eth0` is the cluster's own; two that share a CPU are two. */
function testNicsFor({ nic, nics }: PluginUse['params']): number {
  if (typeof nic === 'string') return Number(nic.replace('eth', ''));
  return nics === 'shared-cpu' ? 2 : 1;
}
