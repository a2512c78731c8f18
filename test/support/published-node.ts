/** As much of kind's published node image as is asked before a cluster is made: kubeadm. */
import path from 'node:path';
import { sha256OfFile } from '../../harness/components/digest.ts';
import type { ImageMaking } from '../../harness/components/image/images.ts';
import type { ImageSpec } from '../../harness/components/image/archive.ts';
import { layerProduction } from '../../harness/components/image/layer.ts';

export async function makeKubeadmImage(
  { store, context }: ImageMaking,
  version: string,
  folder: string,
): Promise<Omit<ImageSpec, 'names'>> {
  const artifact = await store.ensure({ component: 'kubeadm', version }, context);
  const entries = [{ to: '/usr/bin/kubeadm', mode: 0o755, artifact }];
  const file = path.join(folder, 'kubeadm-layer.tar');
  await layerProduction('kubeadm', version, entries, 1).make(file, context);
  const digest = await sha256OfFile(file);
  return { layers: [{ name: 'kubeadm', version, path: file, digest }] };
}
