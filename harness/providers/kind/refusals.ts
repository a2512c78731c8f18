/** What a plan can ask that nodes in containers can never give: they share this machine's kernel. Pure. */
import type { Plan, PluginUse } from '../../core/plan.ts';
import { disturbancesOf, ipvsRefusals } from '../fault-needs.ts';
import { iptablesRefusals } from '../versions.ts';

const SERVED = [
  ...['kubernetes', 'kubelet', 'canary-kubelet', 'kube-proxy'],
  ...['iptables', 'coredns', 'etcd'],
];

const BECAUSE: Partial<Record<string, string>> = {
  kernel: 'kind nodes share this machine’s kernel, so its version cannot be chosen',
  irqbalance:
    'interrupts belong to this machine’s kernel, which kind nodes share; irqbalance has nothing to balance in a container',
  containerd: 'kind nodes run the containerd of their image, so its version cannot be chosen',
};

const AND_KIND = 'and kind nodes are containers on this one';
/** What needs a machine of its own under a node; here it would find nothing, or what is this machine's. */
const OF_MACHINES: Readonly<Record<string, string>> = {
  reboot: `reboot switches the machine under a node, ${AND_KIND}`,
  'power-off': `power-off switches the machine under a node, ${AND_KIND}`,
  'nic-reattach': `nic-reattach takes a NIC out of a node’s machine, ${AND_KIND}`,
  flood: `flood goes to NICs of a node’s machine, ${AND_KIND}`,
  'pile-irqs': `pile-irqs moves interrupts of a node’s machine, ${AND_KIND}`,
  'irq-mitigation': `irq-mitigation watches interrupts of a node’s machine, ${AND_KIND}`,
};

export function refusals(plan: Plan): string[] {
  const upgraded = plan.phases.flatMap((phase) =>
    phase.upgrade === undefined ? [] : [phase.upgrade.component],
  );
  const asked = [...new Set([...Object.keys(plan.components), ...upgraded])];
  return [
    ...(plan.ownKernel === true
      ? ['the scenario needs nodes with a kernel of their own, and kind nodes share this machine’s']
      : []),
    ...(plan.machine === undefined
      ? []
      : ['the scenario says what machine a node is, and kind nodes are containers']),
    ...asked
      .filter((component) => !SERVED.includes(component))
      .map((component) => BECAUSE[component] ?? `kind cannot choose a version of ${component}`),
    ...upgraded
      .filter((component) => component !== 'kube-proxy' && SERVED.includes(component))
      .map((component) => `on kind, ${component} cannot be upgraded while a cluster runs`),
    ...iptablesRefusals(plan),
    ...ipvsRefusals(plan),
    ...new Set(disturbancesOf(plan).flatMap(ofMachines)),
  ];
}

function ofMachines({ name, params }: PluginUse): string[] {
  const { how } = params;
  if (name === 'freeze' && (how === 'suspend' || how === 'stall'))
    return [`${how} stops the machine under a node, ${AND_KIND}: they are frozen by pause instead`];
  const why = OF_MACHINES[name];
  return why === undefined ? [] : [why];
}
