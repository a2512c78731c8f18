/** Everything that a cluster is made of, there before anything is made: programs, images, a node image in the engine. */
import { RUN_LABEL } from '../../core/names.ts';
import type { ComponentStore } from '../../components/component.ts';
import type { ImageSpec } from '../../components/image/archive.ts';
import {
  kubeProxyImageName,
  makeKubeProxyImage,
  makeLoadImage,
  makeNodeImages,
  type ImageMaking,
} from '../../components/image/images.ts';
import type { ProvisionContext } from '../provider.ts';
import { nameOfRun } from '../run-state.ts';
import type { Engine } from './engine.ts';
import { ensureKubeletImage } from './kubelet-image.ts';
import { ensureNodeImage, type ImageWork } from './node-image.ts';
import type { NodeFile } from './node-setup.ts';
import { pullPublished } from './published.ts';
import type { KindSettings } from './settings.ts';
import { imageVersions, kubeProxyVersions } from '../versions.ts';
import { extraKubeProxies, kubeletVersions } from './versions.ts';

export interface KindParts {
  engine: Engine;
  store: ComponentStore;
  /** The store's folder of Go caches. */
  goFolder: string;
  settings: KindSettings;
  /** What goes below NODE_DIR on every node, beside the Node.js binary. */
  nodeFiles: readonly NodeFile[];
}

export interface Prepared {
  /** Path of kind. */
  kind: string;
  /** Of each node, in the order of `nodeRoles`. */
  nodeImages: readonly string[];
  /** What the containerd of a node image lacks. */
  imports: readonly ImageSpec[];
  /** The same, of images that the engine pulled. */
  pulled: readonly string[];
  loadImage: string;
  kubeProxyImage(version: string): string;
  nodeFiles: readonly NodeFile[];
}

export async function prepare(
  parts: KindParts,
  { plan, say, signal }: ProvisionContext,
  workDir: string,
): Promise<Prepared> {
  const { engine, store, goFolder, settings } = parts;
  const making: ImageMaking = { store, goFolder, context: { say, signal } };
  const versions = imageVersions(plan);
  const program = async (component: 'kind' | 'node', version: string): Promise<string> =>
    (await store.ensure({ component, version }, making.context)).path;
  const kind = await program('kind', versions.kind);
  const node = await program('node', process.versions.node);
  const load = await makeLoadImage(making, versions);
  const common = {
    kind,
    loadImage: load.names[0] ?? '',
    nodeFiles: [{ from: node, to: 'node' }, ...parts.nodeFiles],
  };
  if (settings.images === 'published') {
    const published = await pullPublished(plan, { engine, settings, say, signal });
    return { ...common, ...published, imports: [load] };
  }
  const { suite } = kubeProxyVersions(plan);
  const work: ImageWork = {
    engine,
    workDir,
    name: `${nameOfRun(plan.runId)}-image`,
    labels: ['--label', `${RUN_LABEL}=${plan.runId}`],
    say,
    signal,
  };
  const nodeImage = await ensureNodeImage(await makeNodeImages(making, versions), work);
  const nodeImages: string[] = [];
  for (const version of kubeletVersions(plan)) {
    const own = version === versions.kubernetes;
    nodeImages.push(own ? nodeImage : await withKubelet(nodeImage, version, making, work));
  }
  const imports: ImageSpec[] = [];
  for (const version of extraKubeProxies(plan))
    imports.push(await makeKubeProxyImage(making, version, suite));
  const kubeProxyImage = (version: string): string => kubeProxyImageName(version, suite);
  return { ...common, nodeImages, imports, pulled: [], kubeProxyImage };
}

async function withKubelet(
  nodeImage: string,
  version: string,
  { store, context }: ImageMaking,
  work: ImageWork,
): Promise<string> {
  const kubelet = await store.ensure({ component: 'kubelet', version }, context);
  return ensureKubeletImage(nodeImage, kubelet, work);
}
