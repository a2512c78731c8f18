/**
 * The engine's part of making images: the node image is loaded, its containerd is filled with every image that kubeadm
 * will ask for, and the result is kept under a tag that names its content. A second run finds it and does nothing.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { imageDigest, writeArchive, type ImageSpec } from '../../components/image/archive.ts';
import type { NodeImages } from '../../components/image/images.ts';
import { sha256OfInputs } from '../../components/digest.ts';
import {
  commit,
  hasImage,
  importInto,
  removeContainer,
  startContainerd,
  STEP_MS,
  type ImageWork,
} from './image-work.ts';

export function nodeImageName({ node, preloaded }: NodeImages): string {
  const parts = [node, ...preloaded].flatMap((image) => [...image.names, imageDigest(image)]);
  const version = /:(v[\d.]+)/.exec(node.names[0] ?? '')?.[1] ?? 'v0';
  return `coalmine/node:${version}-${sha256OfInputs(['fill 2', ...parts]).slice(0, 12)}`;
}

/** Returns the name of the node image, which is in the engine from then on. */
export async function ensureNodeImage(images: NodeImages, work: ImageWork): Promise<string> {
  const { engine, workDir, say, signal } = work;
  const name = nodeImageName(images);
  if (await hasImage(engine, name, signal)) return name;
  say(`making the node image ${name} (about 45 s)`);
  const archive = path.join(workDir, `${work.name}.tar`);
  try {
    await ensureLoaded(images.node, archive, work);
    await writeArchive(images.preloaded, archive, signal);
    await startContainerd(images.node.names[0] ?? '', work);
    await importInto(archive, work);
    await putBaseSpec(work);
    await commit(images.node, name, work);
  } finally {
    await rm(archive, { force: true });
    await removeContainer(work);
  }
  return name;
}

async function ensureLoaded(image: ImageSpec, archive: string, work: ImageWork): Promise<void> {
  const { engine, signal } = work;
  if (await hasImage(engine, image.names[0] ?? '', signal)) return;
  await writeArchive([image], archive, signal);
  await engine.docker(['load', '--quiet', '--input', archive], { timeoutMs: STEP_MS, signal });
}

async function putBaseSpec({ engine, name, signal }: ImageWork): Promise<void> {
  const limits = { timeoutMs: STEP_MS, signal };
  const spec = await engine.docker(['exec', name, 'ctr', 'oci', 'spec'], limits);
  await engine.docker(['exec', '-i', name, 'tee', '/etc/containerd/cri-base.json'], {
    ...limits,
    stdin: criBaseSpec(spec),
  });
}

/** What kind's Dockerfile does to containerd's default: pods see a made-up machine, and no limits of the builder's. */
export function criBaseSpec(defaultSpec: string): string {
  const spec = JSON.parse(defaultSpec) as {
    hooks?: Record<string, unknown[]>;
    process?: Record<string, unknown>;
  };
  const process = { ...spec.process };
  delete process['rlimits'];
  const createContainer = [
    ...(spec.hooks?.['createContainer'] ?? []),
    { path: '/kind/bin/mount-product-files.sh' },
  ];
  return JSON.stringify({ ...spec, process, hooks: { ...spec.hooks, createContainer } });
}
