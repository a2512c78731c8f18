/** Whether this machine has the memory that a cluster needs. */
import { readFile } from 'node:fs/promises';
import { formatBytes } from '../components/disk.ts';

export async function memoryRefusal(needBytes: number): Promise<string | undefined> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const haveBytes = parseAvailableBytes(text);
  if (haveBytes === undefined || haveBytes >= needBytes) return undefined;
  return `the cluster needs about ${formatBytes(needBytes)} of memory, and ${formatBytes(haveBytes)} are available`;
}

/** Returns MemAvailable of /proc/meminfo in bytes; undefined where the kernel does not say. */
export function parseAvailableBytes(meminfo: string): number | undefined {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1_024;
}
