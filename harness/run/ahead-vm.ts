/** What a cluster of machines needs from the store: components, and what a machine boots from. */
import { bundleProgram } from '../components/bundle.ts';
import type { ComponentRef, StoreContext } from '../components/component.ts';
import { vmRunComponents } from '../components/plan-components.ts';
import type { Store } from '../components/store.ts';
import type { Plan } from '../core/plan.ts';
import { prepareVm, type VmParts } from '../providers/vm/prepare.ts';
import { vmVersions } from '../providers/vm/versions.ts';
import { fetchCriu, findCriu } from './criu.ts';
import { nodeFiles } from './node-files.ts';

/** `off`: every machine boots, and none is saved. */
const SNAPSHOTS = 'COALMINE_SNAPSHOTS';

export function vmComponents(plan: Plan): ComponentRef[] {
  const { kubernetes, kernel, irqbalance, kubeProxy } = vmVersions(plan);
  return vmRunComponents({
    ...{ kubernetes, kernel, irqbalance },
    kubelets: [kubernetes],
    kubeProxy: kubeProxy.all,
    node: process.versions.node,
  });
}

export async function vmParts(store: Store): Promise<VmParts> {
  const saves = process.env[SNAPSHOTS] !== 'off';
  const criu = saves ? await findCriu(store) : undefined;
  return {
    store,
    goFolder: store.cache.go,
    nodeFiles: await nodeFiles(store),
    kvmRefused: store.cache.kvmRefused,
    machineProgram: await bundleProgram('machine', store.cache),
    ...(criu === undefined ? {} : { criu }),
    ...(saves ? { snapshots: store.cache } : {}),
  };
}

/** The first boot finds everything made: what it boots from, and the control plane's programs. */
export async function makeMachines(
  plan: Plan,
  store: Store,
  { say, signal }: StoreContext,
): Promise<void> {
  if (process.env[SNAPSHOTS] !== 'off') await fetchCriu(store, { say, signal });
  await prepareVm(await vmParts(store), { plan, say, signal });
}
