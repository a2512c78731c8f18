/**
 * The engine's part of making images: the node image is loaded, its containerd is filled with every image that kubeadm
 * will ask for, and the result is kept under a tag that names its content. A second run finds it and does nothing.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { waitFor } from '../../core/deadline.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import { RUN_LABEL } from '../../core/names.ts';
import { imageDigest, writeArchive, type ImageSpec } from '../../components/image/archive.ts';
import type { NodeImages } from '../../components/image/images.ts';
import { sha256OfInputs } from '../../components/digest.ts';
import type { Engine } from './engine.ts';

export interface ImageWork {
  engine: Engine;
  /** Folder for archives while they are needed; up to 1 GB. */
  workDir: string;
  /** Names the container in which an image is filled. */
  name: string;
  labels: readonly string[];
  say: (line: string) => void;
  signal: AbortSignal;
}

const STEP_MS = 300_000;
const ARCHIVE = '/images.tar';

export function nodeImageName({ node, preloaded }: NodeImages): string {
  const parts = [node, ...preloaded].flatMap((image) => [...image.names, imageDigest(image)]);
  const version = /:(v[\d.]+)/.exec(node.names[0] ?? '')?.[1] ?? 'v0';
  return `coalmine/node:${version}-${sha256OfInputs(['fill 1', ...parts]).slice(0, 12)}`;
}

/** Returns the name of the node image, which is in the engine from then on. */
export async function ensureNodeImage(images: NodeImages, work: ImageWork): Promise<string> {
  const { engine, workDir, say, signal } = work;
  const name = nodeImageName(images);
  if (await hasImage(engine, name, signal)) return name;
  say(`making the node image ${name} (about 45 s)`);
  const archive = path.join(workDir, `${work.name}.tar`);
  const container = ['--name', work.name, ...work.labels];
  try {
    await ensureLoaded(images.node, archive, work);
    await writeArchive(images.preloaded, archive, signal);
    const start = ['run', '--detach', ...container, '--entrypoint', '/usr/bin/containerd'];
    await engine.docker([...start, images.node.names[0] ?? ''], { timeoutMs: STEP_MS, signal });
    await fill(archive, work);
    await commit(images.node, name, work);
  } finally {
    await rm(archive, { force: true });
    await removeContainer(work);
  }
  return name;
}

/** Never throws: it must not hide why the image was not made, and whoever asked for the image removes what is left. */
export async function removeContainer({ engine, name, say }: ImageWork): Promise<void> {
  await engine
    .run(['rm', '--force', '--volumes', name], { timeoutMs: 60_000 })
    .catch((error: unknown) => {
      say(`removing the container ${name}: ${messageOf(error)}`);
    });
}

export async function hasImage(
  engine: Engine,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await engine.run(['image', 'inspect', '--format', '{{.Id}}', name], {
    timeoutMs: 30_000,
    signal,
  });
  return found.exitCode === 0;
}

async function ensureLoaded(image: ImageSpec, archive: string, work: ImageWork): Promise<void> {
  const { engine, signal } = work;
  if (await hasImage(engine, image.names[0] ?? '', signal)) return;
  await writeArchive([image], archive, signal);
  await engine.docker(['load', '--quiet', '--input', archive], { timeoutMs: STEP_MS, signal });
}

/** Imports without unpacking: layers are unpacked on the node, into its volume, when a pod needs them. */
async function fill(archive: string, { engine, name, signal }: ImageWork): Promise<void> {
  const limits = { timeoutMs: STEP_MS, signal };
  await engine.docker(['cp', archive, `${name}:${ARCHIVE}`], limits);
  await waitFor(
    { what: 'containerd of the node image to answer', timeoutMs: 30_000, everyMs: 100, signal },
    async () => {
      const answer = await engine.run(['exec', name, 'ctr', 'version'], limits);
      return answer.exitCode === 0 ? true : undefined;
    },
  );
  const importing = ['ctr', '--namespace', 'k8s.io', 'images', 'import', '--no-unpack', ARCHIVE];
  await engine.docker(['exec', name, ...importing], limits);
  await engine.docker(['exec', name, 'rm', ARCHIVE], limits);
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

async function commit(node: ImageSpec, image: string, work: ImageWork): Promise<void> {
  const { engine, name, signal } = work;
  const limits = { timeoutMs: STEP_MS, signal };
  // containerd closes its database on SIGTERM; the image's own stop signal is systemd's.
  await engine.docker(['kill', '--signal', 'TERM', name], limits);
  await engine.docker(['wait', name], { ...limits, timeoutMs: 30_000 });
  const entrypoint = `ENTRYPOINT ${JSON.stringify(node.entrypoint ?? [])}`;
  // An image hands its labels on to its containers: this run's must not mark another run's nodes.
  const unlabelled = `LABEL ${RUN_LABEL}=`;
  const changes = [entrypoint, 'CMD []', unlabelled].flatMap((change) => ['--change', change]);
  await engine.docker(['commit', ...changes, name, image], limits);
  if (!(await hasImage(engine, image, signal)))
    throw new CoalmineError('provision', `the engine does not have ${image} after making it`);
}
