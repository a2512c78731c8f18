/**
 * Published images: kind's node image of a Kubernetes version, and upstream's kube-proxy images, pulled by the engine.
 * Only the load image, which nobody publishes, is made here.
 */
import { parseImageNames } from '../../components/image/kubeadm-images.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { Plan } from '../../core/plan.ts';
import type { Engine } from './engine.ts';
import { hasImage } from './image-work.ts';
import type { KindSettings } from './settings.ts';
import { imageVersions, kubeProxyVersions } from '../versions.ts';
import { kubeletVersions } from './versions.ts';

const PULL_MS = 900_000;

export interface PublishedImages {
  /** Of each node, in the order of `nodeRoles`. */
  nodeImages: readonly string[];
  /** Names of images in the engine that the containerd of a node image lacks. */
  pulled: readonly string[];
  kubeProxyImage(version: string): string;
}

export interface Pulling {
  engine: Engine;
  settings: KindSettings;
  say: (line: string) => void;
  signal: AbortSignal;
}

export async function pullPublished(plan: Plan, pulling: Pulling): Promise<PublishedImages> {
  demandPossible(plan, pulling);
  const { kubernetes } = imageVersions(plan);
  const kubelets = kubeletVersions(plan);
  const nodeImages = kubelets.map(publishedNode);
  for (const name of new Set(nodeImages)) await ensurePulled(name, pulling);
  const repository = await kubeProxyRepository(publishedNode(kubernetes), kubernetes, pulling);
  const kubeProxyImage = (version: string): string => `${repository}:v${version}`;
  const { all } = kubeProxyVersions(plan);
  // A node image holds kube-proxy of its own version only, and the DaemonSet is of one version for all nodes.
  const lacked = all.filter((version) => kubelets.some((held) => held !== version));
  const pulled = lacked.map(kubeProxyImage);
  for (const name of pulled) await ensurePulled(name, pulling);
  return { nodeImages, pulled, kubeProxyImage };
}

function publishedNode(kubernetes: string): string {
  return `kindest/node:v${kubernetes}`;
}

function demandPossible(plan: Plan, { engine, settings }: Pulling): void {
  if (plan.components['iptables'] !== undefined)
    throw new CoalmineError('preflight', 'published kube-proxy images bring their own iptables', {
      wayOut: 'Leave the component iptables out, or use `--images built`.',
    });
  if (engine.kind === 'private' && settings.registry === undefined)
    throw new CoalmineError(
      'preflight',
      'a private Docker engine has no network, so it cannot pull published images',
      { wayOut: 'Start Docker, or use `--images built`.' },
    );
}

/** Pulls from the mirror where there is one, and gives the image its usual name. */
async function ensurePulled(name: string, pulling: Pulling): Promise<void> {
  const { engine, settings, say, signal } = pulling;
  if (await hasImage(engine, name, signal)) return;
  const source = mirrored(name, settings.registry);
  say(`pulling ${source}`);
  const pull = await engine.run(['pull', '--quiet', source], { timeoutMs: PULL_MS, signal });
  if (pull.exitCode !== 0)
    throw new CoalmineError('component', `${source} cannot be pulled: ${pull.stderr.trim()}`, {
      wayOut:
        'Check the network and that this version is published, name a mirror, or use `--images built`.',
    });
  if (source !== name) await engine.docker(['tag', source, name], { timeoutMs: 30_000, signal });
}

/** `REGISTRY/` in place of the host, where the name has one: a first part with a dot or a port. */
export function mirrored(name: string, registry: string | undefined): string {
  if (registry === undefined) return name;
  const [first = '', ...rest] = name.split('/');
  const path = rest.length > 0 && /[.:]/.test(first) ? rest.join('/') : name;
  return `${registry}/${path}`;
}

/** kubeadm in the node image knows where upstream publishes. */
async function kubeProxyRepository(
  nodeImage: string,
  kubernetes: string,
  { engine, signal }: Pulling,
): Promise<string> {
  const ask = ['config', 'images', 'list', '--kubernetes-version', `v${kubernetes}`];
  const listed = await engine.docker(
    ['run', '--rm', '--network', 'none', '--entrypoint', '/usr/bin/kubeadm', nodeImage, ...ask],
    { timeoutMs: 60_000, signal },
  );
  return parseImageNames(listed)['kube-proxy'].replace(/:[^:/]+$/, '');
}
