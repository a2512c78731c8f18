/**
 * Every image of a cluster, made from components without a registry and without an engine: which layers, which names.
 * The engine's part (loading them, and filling the node image's own store) is providers/kind/node-image.ts.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { NODE_DIR } from '../../core/names.ts';
import type { Artifact, ComponentName, ComponentStore, StoreContext } from '../component.ts';
import { imageDigest, type ImageSpec } from './archive.ts';
import { produceKindFiles } from './kind-files.ts';
import { kubeadmImages, type KubeadmImage } from './kubeadm-images.ts';
import { layerProduction, type LayerEntry } from './layer.ts';
import { kindNodeEntries, type TextFile } from './node-files.ts';
import { producePause } from './pause.ts';
import { DEFAULT_SUITE, produceRootfs } from './rootfs.ts';

export interface ImageVersions {
  kubernetes: string;
  etcd: string;
  coredns: string;
  kind: string;
  k6: string;
  agnhost: string;
}

/** What making an image needs. */
export interface ImageMaking {
  store: ComponentStore;
  /** The store's folder of Go caches. */
  goFolder: string;
  context: StoreContext;
}

export interface NodeImages {
  /** The node image without anything in its containerd. */
  node: ImageSpec;
  /** What a node's containerd holds before kubeadm starts. */
  preloaded: readonly ImageSpec[];
}

const LAYER_BYTES = 700_000_000;

/** Makes what a node of a Kubernetes version consists of, or takes it from the cache. */
export async function makeNodeImages(
  making: ImageMaking,
  versions: ImageVersions,
): Promise<NodeImages> {
  await makeRootfs(making);
  const kubeadm = await program(making, 'kubeadm', versions.kubernetes);
  const names = await kubeadmImages(kubeadm.path, versions.kubernetes, making.context.signal);
  const kubeProxy = await makeKubeProxyImage(making, versions.kubernetes, DEFAULT_SUITE);
  return {
    node: await makeNode(making, versions, names.pause),
    preloaded: [
      ...(await makeControlPlane(making, versions, names)),
      { ...kubeProxy, names: [names['kube-proxy'], ...kubeProxy.names] },
      await makeLoadImage(making, versions),
    ],
  };
}

/** Both at once: each waits half of its time, for the mirror or for the disk. */
async function makeRootfs({ store, context }: ImageMaking): Promise<void> {
  const made = await Promise.allSettled(
    (['node', 'pod'] as const).map((kind) => produceRootfs(store, kind, DEFAULT_SUITE, context)),
  );
  for (const one of made) if (one.status === 'rejected') throw one.reason;
}

/** The image of load pods and of the backends under test: upstream's agnhost, k6, dnsperf and the network tools. */
export async function makeLoadImage(
  making: ImageMaking,
  versions: ImageVersions,
): Promise<ImageSpec> {
  const layers = [
    await produceRootfs(making.store, 'pod', DEFAULT_SUITE, making.context),
    await layer(making, 'load', versions.k6, [
      binary(await program(making, 'agnhost', versions.agnhost), '/usr/local/bin/agnhost'),
      binary(await program(making, 'k6', versions.k6), '/usr/local/bin/k6'),
    ]),
  ];
  const image = { layers, entrypoint: ['/usr/local/bin/agnhost'] };
  return {
    ...image,
    names: [`coalmine/load:${imageDigest({ ...image, names: [] }).slice(0, 12)}`],
  };
}

/** @param suite the Debian release whose iptables and nftables this kube-proxy calls */
export async function makeKubeProxyImage(
  making: ImageMaking,
  version: string,
  suite: string,
): Promise<ImageSpec> {
  return {
    names: [kubeProxyImageName(version, suite)],
    layers: [
      await produceRootfs(making.store, 'pod', suite, making.context),
      await layer(making, 'kube-proxy', version, [
        binary(await program(making, 'kube-proxy', version), '/usr/local/bin/kube-proxy'),
      ]),
    ],
  };
}

export function kubeProxyImageName(version: string, suite: string): string {
  return `coalmine/kube-proxy:v${version}-${suite}`;
}

async function makeNode(
  making: ImageMaking,
  versions: ImageVersions,
  pauseImage: string,
): Promise<ImageSpec> {
  const { store, goFolder, context } = making;
  const kindFiles = await produceKindFiles(store, versions.kind, goFolder, context);
  const programs = (['kubelet', 'kubeadm', 'kubectl'] as const).map(async (name) =>
    binary(await program(making, name, versions.kubernetes), `/usr/bin/${name}`),
  );
  const image = {
    layers: [
      await produceRootfs(store, 'node', DEFAULT_SUITE, context),
      await layer(making, 'kind-node', versions.kubernetes, [
        ...kindNodeEntries(await readFiles(kindFiles.path), pauseImage),
        { to: '/kind/version', mode: 0o644, text: `v${versions.kubernetes}` },
        ...(await Promise.all(programs)),
        // Of what is ours on a node, the only large file, and the one that stays the same.
        binary(await program(making, 'node', process.versions.node), `${NODE_DIR}/node`),
      ]),
    ],
    entrypoint: ['/usr/local/bin/entrypoint', '/sbin/init'],
    // systemd: what it takes as "shut down", and how it knows where it is.
    stopSignal: 'SIGRTMIN+3',
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'container=docker'],
  };
  const digest = imageDigest({ ...image, names: [] }).slice(0, 12);
  return { ...image, names: [`coalmine/node-base:v${versions.kubernetes}-${digest}`] };
}

async function makeControlPlane(
  making: ImageMaking,
  versions: ImageVersions,
  names: Readonly<Record<KubeadmImage, string>>,
): Promise<ImageSpec[]> {
  const component = async (
    name: ComponentName & KubeadmImage,
    version: string,
  ): Promise<ImageSpec> => {
    const artifact = await program(making, name, version);
    return makeAlone(making, name, names[name], artifact, `/usr/local/bin/${name}`);
  };
  return [
    await component('kube-apiserver', versions.kubernetes),
    await component('kube-controller-manager', versions.kubernetes),
    await component('kube-scheduler', versions.kubernetes),
    await component('etcd', versions.etcd),
    ...(await makeAddons(making, versions, names)),
  ];
}

/** What runs on nodes with or without a control plane. */
async function makeAddons(
  making: ImageMaking,
  versions: ImageVersions,
  names: Readonly<Record<KubeadmImage, string>>,
): Promise<ImageSpec[]> {
  const coredns = await program(making, 'coredns', versions.coredns);
  const pause = await producePause(making.store, making.goFolder, making.context);
  return [
    await makeAlone(making, 'coredns', names.coredns, coredns, '/coredns'),
    await makeAlone(making, 'pause', names.pause, pause, '/pause'),
  ];
}

/** One static program alone in its image, as upstream's are. */
async function makeAlone(
  making: ImageMaking,
  image: KubeadmImage,
  name: string,
  artifact: Artifact,
  to: string,
): Promise<ImageSpec> {
  return {
    names: [name],
    layers: [await layer(making, image, artifact.version, [binary(artifact, to)])],
    entrypoint: [to],
  };
}

/** What a machine's containerd holds: what runs on a node without a control plane of its own. */
export async function makeMachineImages(
  making: ImageMaking,
  versions: ImageVersions,
  kubeProxy: { all: readonly string[]; suite: string },
): Promise<{ images: ImageSpec[]; pauseImage: string }> {
  const kubeadm = await program(making, 'kubeadm', versions.kubernetes);
  const names = await kubeadmImages(kubeadm.path, versions.kubernetes, making.context.signal);
  const images = await makeAddons(making, versions, names);
  for (const version of kubeProxy.all)
    images.push(await makeKubeProxyImage(making, version, kubeProxy.suite));
  return {
    images: [...images, await makeLoadImage(making, versions)],
    pauseImage: names.pause,
  };
}

function program(
  making: ImageMaking,
  component: ComponentName,
  version: string,
): Promise<Artifact> {
  return making.store.ensure({ component, version }, making.context);
}

function binary(artifact: Artifact, to: string): LayerEntry {
  return { to, mode: 0o755, artifact };
}

function layer(
  making: ImageMaking,
  name: string,
  version: string,
  entries: readonly LayerEntry[],
): Promise<Artifact> {
  return making.store.produce(layerProduction(name, version, entries, LAYER_BYTES), making.context);
}

async function readFiles(folder: string): Promise<TextFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = await Promise.all(
    files.map(async (file) => {
      const whole = path.join(file.parentPath, file.name);
      return { path: path.relative(folder, whole), text: await readFile(whole, 'utf8') };
    }),
  );
  return texts.sort((a, b) => (a.path < b.path ? -1 : 1));
}
