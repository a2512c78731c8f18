/** The vm provider: nodes are QEMU machines with a kernel of their own, the control plane is made of local processes. */
import { vmPreflight } from './preflight.ts';
import type { Provider } from '../provider.ts';
import type { VmParts } from './prepare.ts';
import { provisionVm } from './provision.ts';
import { vmRefusals } from './refusals.ts';

/** @param parts asked for when a cluster is to be made; inside the run's own namespaces only */
export function createVmProvider(parts: () => Promise<VmParts>): Provider {
  return {
    name: 'vm',
    refuses: vmRefusals,
    preflight: vmPreflight,
    provision: async (context) => provisionVm(await parts(), context),
  };
}
