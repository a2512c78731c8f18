/** What a cluster of containers needs from the store: components, and the images that are made of them. */
import type { ComponentRef } from '../components/component.ts';
import {
  makeKubeProxyImage,
  makeLoadImage,
  makeNodeImages,
  type ImageMaking,
} from '../components/image/images.ts';
import { kindRunComponents } from '../components/plan-components.ts';
import type { Plan } from '../core/plan.ts';
import type { KindSettings } from '../providers/kind/settings.ts';
import { extraKubeProxies, kubeletVersions } from '../providers/kind/versions.ts';
import { imageVersions, kubeProxyVersions } from '../providers/versions.ts';

/** What a cluster of published images still needs from the store: the programs around it, and what is in the load image. */
const BESIDE_PUBLISHED: readonly ComponentRef['component'][] = ['agnhost', 'k6', 'kind', 'node'];

export function kindComponents(plan: Plan, images: KindSettings['images']): ComponentRef[] {
  const refs = kindRunComponents({
    kubernetes: imageVersions(plan).kubernetes,
    kubelets: kubeletVersions(plan),
    kubeProxy: kubeProxyVersions(plan).all,
    node: process.versions.node,
  });
  return refs.filter(({ component }) => images === 'built' || BESIDE_PUBLISHED.includes(component));
}

export async function makeKindImages(
  plan: Plan,
  making: ImageMaking,
  images: KindSettings['images'],
): Promise<void> {
  if (images === 'published') {
    await makeLoadImage(making, imageVersions(plan));
    return;
  }
  await makeNodeImages(making, imageVersions(plan));
  const { suite } = kubeProxyVersions(plan);
  for (const version of extraKubeProxies(plan)) await makeKubeProxyImage(making, version, suite);
}
