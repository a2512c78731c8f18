/**
 * The small disk at NODE_DIR of a machine: our programs, the modules of its kernel, its irqbalance. Read-only, shared by
 * all machines of a run, and made in seconds, so that a new agent or another kernel does not cost a new root disk.
 */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Artifact, ComponentStore, StoreContext } from '../component.ts';
import { digestOfTree } from '../digest.ts';
import { makeDisk } from './disk-image.ts';
import { irqbalanceDropIns } from './irqbalance-unit.ts';

export interface ToolsFile {
  /** A file or a folder on this machine. */
  from: string;
  /** Name below NODE_DIR. */
  to: string;
  /** Where it is known already: reading it takes time. */
  digest?: string;
}

export interface ToolsDiskParts {
  kernel: Artifact;
  irqbalance: Artifact | undefined;
  files: readonly ToolsFile[];
}

const SIZE_MIB = 512;

export async function produceToolsDisk(
  store: ComponentStore,
  { kernel, irqbalance, files }: ToolsDiskParts,
  context: StoreContext,
): Promise<Artifact> {
  const digests = await Promise.all(
    files.map(async ({ from, to, digest }) => `${to} ${digest ?? (await digestOfTree(from))}`),
  );
  const dropIns = irqbalance === undefined ? {} : irqbalanceDropIns(irqbalance.version);
  return store.produce(
    {
      name: 'vm-tools',
      version: kernel.version,
      inputs: [
        'vm-tools 1',
        kernel.digest,
        irqbalance?.digest ?? 'none',
        JSON.stringify(dropIns),
        ...digests,
      ],
      needBytes: 1_500_000_000,
      aboutSeconds: 10,
      make: async (file, { signal }) => {
        const root = `${file}.root`;
        await unpack(kernel, root, ['./modules'], signal);
        if (irqbalance !== undefined) {
          await unpack(irqbalance, path.join(root, 'irqbalance'), [], signal);
          await writeDropIns(dropIns, path.join(root, 'irqbalance/irqbalance.service.d'));
        }
        for (const { from, to } of files)
          await cp(from, path.join(root, to), { recursive: true, dereference: true });
        await makeDisk(root, file, { label: 'coalmine', sizeMiB: SIZE_MIB }, signal);
        await rm(root, { recursive: true });
      },
    },
    context,
  );
}

async function writeDropIns(texts: Readonly<Record<string, string>>, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const [name, text] of Object.entries(texts)) await writeFile(path.join(to, name), text);
}

async function unpack(
  tar: Artifact,
  folder: string,
  members: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await runOrThrow(
    local,
    { argv: ['tar', '--extract', `--file=${tar.path}`, '--directory', folder, ...members] },
    { timeoutMs: 120_000, signal, code: 'component' },
  );
}
