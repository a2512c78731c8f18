/** Everything that plans need, made or fetched while there is still a network: inside a run's own namespaces is none. */
import { bundleProgram, k6ScriptsFolder } from '../components/bundle.ts';
import type { ComponentRef, StoreContext } from '../components/component.ts';
import { ensureAll } from '../components/ensure-all.ts';
import { makeKubeProxyImage, makeLoadImage, makeNodeImages } from '../components/image/images.ts';
import { kindRunComponents } from '../components/plan-components.ts';
import type { Store } from '../components/store.ts';
import type { Plan } from '../core/plan.ts';
import type { NodeFile } from '../providers/kind/node-setup.ts';
import type { KindSettings } from '../providers/kind/settings.ts';
import { extraKubeProxies, kubeletVersions } from '../providers/kind/versions.ts';
import { imageVersions, kubeProxyVersions } from '../providers/versions.ts';

/** What a cluster of published images still needs from the store: the programs around it, and what is in the load image. */
const BESIDE_PUBLISHED: readonly ComponentRef['component'][] = ['agnhost', 'k6', 'kind', 'node'];

/** Returns what the plans need, each once. Pure. */
export function neededComponents(
  plans: readonly Plan[],
  images: KindSettings['images'],
): ComponentRef[] {
  const refs = plans.flatMap((plan) =>
    kindRunComponents({
      kubernetes: imageVersions(plan).kubernetes,
      kubelets: kubeletVersions(plan),
      kubeProxy: kubeProxyVersions(plan).all,
      node: process.versions.node,
    }),
  );
  const wanted = refs.filter(
    ({ component }) => images === 'built' || BESIDE_PUBLISHED.includes(component),
  );
  const byName = new Map(wanted.map((ref) => [`${ref.component} ${ref.version}`, ref]));
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
    if (images === 'published') {
      await makeLoadImage(making, imageVersions(plan));
      continue;
    }
    await makeNodeImages(making, imageVersions(plan));
    const { suite } = kubeProxyVersions(plan);
    for (const version of extraKubeProxies(plan)) await makeKubeProxyImage(making, version, suite);
  }
}

/** Our own programs, as every node gets them beside the Node.js binary. */
export async function nodeFiles(store: Store): Promise<NodeFile[]> {
  const agent = await bundleProgram('agent', store.cache);
  const generator = await bundleProgram('generator', store.cache);
  return [
    { from: agent.path, to: 'agent.mjs' },
    { from: generator.path, to: 'generator.mjs' },
    { from: k6ScriptsFolder(), to: 'k6' },
  ];
}
