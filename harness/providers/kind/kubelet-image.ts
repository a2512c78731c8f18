/**
 * The node image of a worker whose kubelet is of another version than the control plane: the same image with another
 * kubelet in it. Only that is built, and everything else stays as upstream wants it where versions differ: the kubeadm
 * that joins a node is of the control plane's version, and may join kubelets that are up to three minors older.
 */
import { RUN_LABEL } from '../../core/names.ts';
import type { Artifact } from '../../components/component.ts';
import { sha256OfInputs } from '../../components/digest.ts';
import { hasImage, removeContainer, type ImageWork } from './image-work.ts';

const LIMIT_MS = 120_000;

/** Named after the kubelet's version and everything in it, as the image below is. */
export function kubeletImageName(nodeImage: string, { version, digest }: Artifact): string {
  const content = sha256OfInputs(['kubelet 1', nodeImage, digest]).slice(0, 12);
  return `coalmine/node:kubelet-v${version}-${content}`;
}

/** Returns the name of the image, which is in the engine from then on. kind reads the version of kubeadm in it, and no other. */
export async function ensureKubeletImage(
  nodeImage: string,
  kubelet: Artifact,
  work: ImageWork,
): Promise<string> {
  const { engine, say, signal } = work;
  const name = kubeletImageName(nodeImage, kubelet);
  if (await hasImage(engine, name, signal)) return name;
  say(`making the node image ${name} (about 5 s)`);
  const limits = { timeoutMs: LIMIT_MS, signal };
  try {
    await engine.docker(['create', '--name', work.name, ...work.labels, nodeImage], limits);
    await engine.docker(['cp', kubelet.path, `${work.name}:/usr/bin/kubelet`], limits);
    // An image hands its labels on to its containers: this run's must not mark another run's nodes.
    await engine.docker(['commit', '--change', `LABEL ${RUN_LABEL}=`, work.name, name], limits);
  } finally {
    await removeContainer(work);
  }
  return name;
}
