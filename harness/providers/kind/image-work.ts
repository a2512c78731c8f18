/**
 * How an image is made in the engine: a container of another image, in which only containerd runs, takes more images into
 * its store, and is kept. Nothing is unpacked; a node does that, into its volume, when a pod needs it.
 */
import { waitFor } from '../../core/deadline.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import { RUN_LABEL } from '../../core/names.ts';
import type { ImageSpec } from '../../components/image/archive.ts';
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

/** Of one step. */
export const STEP_MS = 300_000;
const ARCHIVE = '/images.tar';
const BLOBS = '/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256';
/** Outside of /var, which is a volume on every node and begins as a copy of the image's. */
const KEPT_BLOBS = '/kind/blobs';

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

export async function startContainerd(image: string, work: ImageWork): Promise<void> {
  const { engine, name, labels, signal } = work;
  const start = ['run', '--detach', '--name', name, ...labels];
  await engine.docker([...start, '--entrypoint', '/usr/bin/containerd', image], {
    timeoutMs: STEP_MS,
    signal,
  });
}

export async function importInto(archive: string, work: ImageWork): Promise<void> {
  const { engine, name, signal } = work;
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
  await moveBlobs(work);
}

/**
 * What was imported is read and never written, so nodes need no copy of it: their stores hold links into the image. It was
 * most of a gigabyte for each node, written when it starts and discarded when it goes.
 */
async function moveBlobs({ engine, name, signal }: ImageWork): Promise<void> {
  const files = (folder: string) => ['find', folder, '-type', 'f', '-exec'];
  const into = (folder: string) => ['--target-directory', folder, '{}', '+'];
  const steps = [
    ['mkdir', '--parents', KEPT_BLOBS],
    [...files(BLOBS), 'mv', ...into(KEPT_BLOBS)],
    [...files(KEPT_BLOBS), 'ln', '--symbolic', '--force', ...into(BLOBS)],
  ];
  // Again where containerd, which tidies up after an import, took a file away that was found a moment before.
  const wait = { what: 'the images to be moved', timeoutMs: 60_000, everyMs: 500, signal };
  await waitFor(wait, async () => {
    for (const argv of steps)
      await engine.docker(['exec', name, ...argv], { timeoutMs: STEP_MS, signal });
    return true;
  });
}

/** @param node how it starts is taken from there */
export async function commit(node: ImageSpec, image: string, work: ImageWork): Promise<void> {
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
