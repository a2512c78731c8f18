/** Which versions a plan means for nodes that are machines. Pure. */
import type { VmImageVersions } from '../../components/image/vm-image.ts';
import type { Plan } from '../../core/plan.ts';
import { imageVersions, kubeProxyVersions } from '../versions.ts';

/** Of bookworm, as the rest of the node. */
const KERNEL = '6.1';

/** Small, so that several fit; enough for kubelet, CoreDNS and a load. */
const MACHINE = { cpus: 2, memoryMiB: 2_048, testNics: 0, queues: 1 };

export function vmVersions(plan: Plan): VmImageVersions {
  const { kernel = KERNEL, irqbalance } = plan.components;
  const { all, suite } = kubeProxyVersions(plan);
  return {
    ...imageVersions(plan),
    kernel,
    ...(irqbalance === undefined ? {} : { irqbalance }),
    kubeProxy: { all, suite },
  };
}

export function machineShape(plan: Plan): NonNullable<Plan['machine']> {
  return plan.machine ?? MACHINE;
}

/** Names of the nodes; the first is the canary. The namespaces keep them apart from those of other runs. */
export function vmNodeNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `worker-${index + 1}`);
}
