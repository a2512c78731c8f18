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
  type NodeImages,
} from '../../components/image/images.ts';
import type { ProvisionContext } from '../provider.ts';
import { nameOfRun } from '../run-state.ts';
import type { Engine } from './engine.ts';
import { ensureKubeletImage } from './kubelet-image.ts';
import { ensureNodeImage } from './node-image.ts';
import { ensureFilledImage } from './filled-image.ts';
import type { ImageWork } from './image-work.ts';
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
  /** What goes below NODE_DIR on every node, beside the Node.js binary, which is in node images that were made here. */
  nodeFiles: readonly NodeFile[];
}

export interface Prepared {
  /** Path of kind. */
  kind: string;
  /** Of each node, in the order of `nodeRoles`. */
  nodeImages: readonly string[];
  /** What the containerd of a node image lacks; nothing where we made it. */
  imports: readonly ImageSpec[];
  /** The same, of images that the engine pulled. */
  pulled: readonly string[];
  loadImage: string;
  kubeProxyImage(version: string): string;
  /** What the nodes get below NODE_DIR. */
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
  const load = await makeLoadImage(making, versions);
  const common = { kind, loadImage: load.names[0] ?? '' };
  if (settings.images === 'published') {
    const node = await program('node', process.versions.node);
    const nodeFiles = [{ from: node, to: 'node' }, ...parts.nodeFiles];
    const published = await pullPublished(plan, { engine, settings, say, signal });
    return { ...common, ...published, nodeFiles, imports: [load] };
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
  const images = await makeNodeImages(making, versions);
  const extra: ImageSpec[] = [];
  for (const version of extraKubeProxies(plan))
    extra.push(await makeKubeProxyImage(making, version, suite));
  const stock = await ensureNodeImage(images, work);
  const nodeImage = await ensureFilledImage(stock, images.node, extra, work);
  const nodeImages: string[] = [];
  for (const version of kubeletVersions(plan)) {
    const own = version === versions.kubernetes;
    nodeImages.push(own ? nodeImage : await withKubelet(nodeImage, version, making, work));
  }
  const kubeProxyImage = (version: string): string => heldName(images, version, suite);
  const { nodeFiles } = parts;
  return { ...common, nodeFiles, nodeImages, imports: [], pulled: [], kubeProxyImage };
}

/** kubeadm's own name where it is the same image: kube-proxy runs under that from the beginning. */
function heldName({ preloaded }: NodeImages, version: string, suite: string): string {
  const ours = kubeProxyImageName(version, suite);
  return preloaded.find(({ names }) => names.includes(ours))?.names[0] ?? ours;
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
