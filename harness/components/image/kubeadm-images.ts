/** The image names that kubeadm of a version will ask for; its own word, so that neither registry nor tags stand here. */
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { CoalmineError } from '../../core/errors.ts';

const KUBEADM_IMAGES = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'coredns',
  'pause',
  'etcd',
] as const;
export type KubeadmImage = (typeof KUBEADM_IMAGES)[number];

export async function kubeadmImages(
  kubeadm: string,
  version: string,
  signal: AbortSignal,
): Promise<Record<KubeadmImage, string>> {
  const text = await runOrThrow(
    local,
    { argv: [kubeadm, 'config', 'images', 'list', '--kubernetes-version', `v${version}`] },
    { timeoutMs: 30_000, signal, code: 'component' },
  );
  return parseImageNames(text);
}

export function parseImageNames(text: string): Record<KubeadmImage, string> {
  const names = text.split('\n').map((line) => line.trim());
  const named = KUBEADM_IMAGES.map((image): [KubeadmImage, string] => {
    const name = names.find((name) => new RegExp(`/${image}:[^/]+$`).test(name));
    if (name === undefined)
      throw new CoalmineError('component', `kubeadm lists no image ${image}: ${names.join(' ')}`);
    return [image, name];
  });
  return Object.fromEntries(named) as Record<KubeadmImage, string>;
}
