/**
 * Where a machine's memory lies. One that is to be saved has it in a file of a memory-backed file system, so that saving is
 * copying; one that goes on maps the copy, privately: nothing is read before the guest needs it, and what it writes is its
 * own. QEMU leaves memory in files of that kind out of what it writes and reads itself (`x-ignore-shared`; VM templates of
 * Kata Containers rest on the same).
 */
import { mkdir } from 'node:fs/promises';
import type { Unwind } from '../../core/unwind.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { quoteCommas } from './quote-commas.ts';

export interface MachineMemory {
  readonly file: string;
  /** `kept`: the guest's memory is the file. `continued`: it begins as what is in the file, which stays as it is. */
  readonly as: 'kept' | 'continued';
}

/** What decides what QEMU writes of memory, and expects: the same on both sides. */
export const MEMORY_CAPABILITIES = {
  capabilities: [{ capability: 'x-ignore-shared', state: true }],
};

const LIMITS = { timeoutMs: 10_000, code: 'provision' } as const;
const COPY_MS = 120_000;

/** @param memory anonymous where absent, which is quickest: the kernel gives it in large pages */
export function memoryArgv(memoryMiB: number, memory: MachineMemory | undefined): string[] {
  const size = ['-m', `${memoryMiB}M`];
  if (memory === undefined) return size;
  const file = `id=ram,size=${memoryMiB}M,mem-path=${quoteCommas(memory.file)}`;
  const how = memory.as === 'kept' ? 'share=on' : 'share=off,readonly=on,rom=off';
  const backend = `memory-backend-file,${file},${how}`;
  return [...size, '-object', backend, '-machine', 'memory-backend=ram'];
}

/**
 * A folder for `kept` memory; in the run's own mount namespace, and gone with it. Returns false where it cannot be had:
 * machines run without it, and are not saved.
 */
export async function mountMemory(
  folder: string,
  sizeMiB: number,
  unwind: Unwind,
): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const options = `size=${sizeMiB}m,mode=0700`;
  const argv = ['mount', '-t', 'tmpfs', '-o', options, 'coalmine', folder] as const;
  if ((await local.run({ argv }, LIMITS)).exitCode !== 0) return false;
  unwind.push('memory', async () => {
    await runOrThrow(local, { argv: ['umount', folder] }, LIMITS);
  });
  return true;
}

/** Pages that are empty take no room in the copy. */
export async function copyMemory(from: string, to: string, signal: AbortSignal): Promise<void> {
  const argv = ['cp', '--sparse=always', '--', from, to] as const;
  await runOrThrow(local, { argv }, { timeoutMs: COPY_MS, code: 'provision', signal });
}
