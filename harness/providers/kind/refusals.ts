/** What a plan can ask that nodes in containers can never give: they share this machine's kernel. Pure. */
import { faultsOf, type Plan } from '../../core/plan.ts';
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

/** Faults that end everything on a node, and need its own power switch. */
const OF_MACHINES = ['reboot', 'power-off'];

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
    ...switched(plan).map(
      (fault) =>
        `${fault} switches the machine under a node, and kind nodes are containers on this one`,
    ),
  ];
}

function switched({ phases }: Plan): string[] {
  const names = phases.flatMap(faultsOf).map(({ name }) => name);
  return [...new Set(names)].filter((name) => OF_MACHINES.includes(name));
}
