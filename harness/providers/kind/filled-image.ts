/**
 * The node image of a run that needs more kube-proxies than its Kubernetes version brings: the same image, and they are in
 * its containerd too. Made once; nodes that would have to import images while they join, join later.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { imageDigest, writeArchive, type ImageSpec } from '../../components/image/archive.ts';
import { sha256OfInputs } from '../../components/digest.ts';
import {
  commit,
  hasImage,
  importInto,
  removeContainer,
  startContainerd,
  type ImageWork,
} from './image-work.ts';

/** Named after everything in it, as the image below is. */
export function filledImageName(nodeImage: string, images: readonly ImageSpec[]): string {
  const parts = images.flatMap((image) => [...image.names, imageDigest(image)]);
  return `coalmine/node:filled-${sha256OfInputs(['fill more 2', nodeImage, ...parts]).slice(0, 12)}`;
}

/**
 * Returns the name of the image, which is in the engine from then on; `nodeImage` itself where there is nothing to add.
 *
 * @param node what `nodeImage` was made of; how it starts is taken from there
 */
export async function ensureFilledImage(
  nodeImage: string,
  node: ImageSpec,
  images: readonly ImageSpec[],
  work: ImageWork,
): Promise<string> {
  const { engine, workDir, say, signal } = work;
  if (images.length === 0) return nodeImage;
  const name = filledImageName(nodeImage, images);
  if (await hasImage(engine, name, signal)) return name;
  say(`making the node image ${name} (about 8 s)`);
  const archive = path.join(workDir, `${work.name}.tar`);
  try {
    await writeArchive(images, archive, signal);
    await startContainerd(nodeImage, work);
    await importInto(archive, work);
    await commit(node, name, work);
  } finally {
    await rm(archive, { force: true });
    await removeContainer(work);
  }
  return name;
}
