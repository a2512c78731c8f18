/** What each node gets after kubeadm is done with it: images that its containerd lacks, our programs, the pod network. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { local } from '../../exec/local.ts';
import { NODE_DIR } from '../../core/names.ts';
import { writeArchive, type ImageSpec } from '../../components/image/archive.ts';
import type { ClusterNode } from '../provider.ts';
import type { Engine } from './engine.ts';
import { cniConflist, CONFLIST_FILE, routeCommands, type PodRange } from '../pod-network.ts';

const STEP_MS = 120_000;

export interface NodeFile {
  /** A file or a folder on this machine. */
  from: string;
  /** Name below NODE_DIR. */
  to: string;
}

export interface ImageImport {
  engine: Engine;
  kind: string;
  cluster: string;
  workDir: string;
  signal: AbortSignal;
}

/** Puts images into the containerd of every node at once. */
export async function importImages(
  images: readonly ImageSpec[],
  { engine, kind, cluster, workDir, signal }: ImageImport,
): Promise<void> {
  if (images.length === 0) return;
  const archive = path.join(workDir, 'import.tar');
  try {
    await writeArchive(images, archive, signal);
    await runOrThrow(
      local,
      { argv: [kind, 'load', 'image-archive', archive, '--name', cluster], env: engine.env() },
      { timeoutMs: STEP_MS, signal, code: 'provision' },
    );
  } finally {
    await rm(archive, { force: true });
  }
}

/** The same for images that the engine has. */
export async function importPulled(
  names: readonly string[],
  { engine, kind, cluster, signal }: ImageImport,
): Promise<void> {
  if (names.length === 0) return;
  await runOrThrow(
    local,
    { argv: [kind, 'load', 'docker-image', ...names, '--name', cluster], env: engine.env() },
    { timeoutMs: STEP_MS, signal, code: 'provision' },
  );
}

/** Copied and not mounted, so that it works with an engine on another machine too. */
export async function putNodeFiles(
  engine: Engine,
  node: ClusterNode,
  files: readonly NodeFile[],
  signal: AbortSignal,
): Promise<void> {
  const limits = { timeoutMs: STEP_MS, signal };
  await runOrThrow(node, { argv: ['mkdir', '-p', NODE_DIR] }, limits);
  for (const { from, to } of files)
    await engine.docker(['cp', '--follow-link', from, `${node.name}:${NODE_DIR}/${to}`], limits);
}

/** Without a network configuration kubelet says "not Ready"; with it, pods start. */
export async function putConflist(
  node: ClusterNode,
  podCidr: string,
  signal: AbortSignal,
): Promise<void> {
  await runOrThrow(
    node,
    { argv: ['tee', CONFLIST_FILE], stdin: cniConflist(podCidr) },
    { timeoutMs: STEP_MS, signal },
  );
}

/** Connects the pods of one node with those of all others; `own` is what the controller really gave it. */
export async function putPodNetwork(
  node: ClusterNode,
  own: PodRange,
  all: readonly PodRange[],
  signal: AbortSignal,
): Promise<void> {
  const limits = { timeoutMs: STEP_MS, signal };
  for (const command of routeCommands(own, all)) await runOrThrow(node, command, limits);
  const early = await node.run({ argv: ['cat', CONFLIST_FILE] }, limits);
  if (early.exitCode === 0 && early.stdout === cniConflist(own.podCidr)) return;
  if (early.exitCode === 0)
    throw new CoalmineError(
      'provision',
      `${node.name} was given the pod range ${own.podCidr}, and pods may have another already`,
    );
  await putConflist(node, own.podCidr, signal);
}
