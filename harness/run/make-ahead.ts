/** Everything that plans need, made or fetched while there is still a network: inside a run's own namespaces is none. */
import type { ComponentRef, StoreContext } from '../components/component.ts';
import { ensureAll } from '../components/ensure-all.ts';
import type { Store } from '../components/store.ts';
import type { Plan } from '../core/plan.ts';
import type { KindSettings } from '../providers/kind/settings.ts';
import { kindComponents, makeKindImages } from './ahead-kind.ts';
import { makeMachines, vmComponents } from './ahead-vm.ts';

/** Returns what the plans need, each once. Pure. */
export function neededComponents(
  plans: readonly Plan[],
  images: KindSettings['images'],
): ComponentRef[] {
  const refs = plans.flatMap((plan) =>
    plan.provider === 'vm' ? vmComponents(plan) : kindComponents(plan, images),
  );
  const byName = new Map(refs.map((ref) => [`${ref.component} ${ref.version}`, ref]));
  return [...byName.values()];
}

/** Idempotent; fast where everything is in the cache. Throws `component` naming what no source could give. */
export async function makeAhead(
  plans: readonly Plan[],
  store: Store,
  images: KindSettings['images'],
  context: StoreContext,
): Promise<void> {
  await ensureAll(store, neededComponents(plans, images), context);
  const making = { store, goFolder: store.cache.go, context };
  for (const plan of plans) {
    if (plan.provider === 'vm') await makeMachines(plan, store, context);
    else await makeKindImages(plan, making, images);
  }
}
