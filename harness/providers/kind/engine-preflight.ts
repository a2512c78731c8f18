/** Questions about this machine that a kind run asks before it touches anything. Each returns a reason, or undefined. */
import { readFile } from 'node:fs/promises';
import { formatBytes, freeBytes } from '../../components/disk.ts';
import { local } from '../../exec/local.ts';
import { onPath } from '../../exec/on-path.ts';
import type { PROXY_MODES } from '../../core/plan.ts';
import { slotsFolder } from './engine-slot.ts';

const LIMITS = { timeoutMs: 10_000 };

/** Kernel module that each kube-proxy mode cannot do without, and what shows that the kernel has it. */
const MODULES: Record<(typeof PROXY_MODES)[number], { module: string; proof?: string }> = {
  iptables: { module: 'ip_tables', proof: '/proc/net/ip_tables_names' },
  nftables: { module: 'nf_tables' },
  ipvs: { module: 'ip_vs', proof: '/proc/net/ip_vs' },
};

/** Nodes of kind share this machine's kernel, so it must be able to do the mode. */
export async function proxyModeRefusal(
  mode: (typeof PROXY_MODES)[number],
): Promise<string | undefined> {
  const { module, proof } = MODULES[mode];
  if (await kernelHas(module, proof)) return undefined;
  return `this machine's kernel has no ${module}, which proxy mode ${mode} needs`;
}

/** Loaded, built in, loadable, or (where modules cannot be asked) shown to work. */
async function kernelHas(module: string, proof: string | undefined): Promise<boolean> {
  if (proof !== undefined && (await isThere(proof))) return true;
  if (await isThere(`/sys/module/${module}`)) return true;
  const modprobe = await onPath('modprobe');
  if (modprobe !== undefined) {
    const dry = await local.run({ argv: [modprobe, '-n', module] }, LIMITS);
    if (dry.exitCode === 0) return true;
  }
  if (module === 'ip_vs') return false;
  // Only root can try it out; for anybody else the engine, which is root, will show it.
  return process.getuid?.() !== 0 || (await worksInNamespace(module));
}

/** A fresh network namespace lists a table of its own, which leaves the host's untouched. */
async function worksInNamespace(module: string): Promise<boolean> {
  const tool = module === 'nf_tables' ? ['nft', 'list', 'tables'] : ['iptables-legacy', '-S'];
  const probe = await local
    .run({ argv: ['unshare', '--net', '--', ...tool] }, LIMITS)
    .catch(() => undefined);
  return probe?.exitCode === 0;
}

/** A private engine keeps its images in the cache; the user's own keeps them where it likes. */
export async function dataRootRefusal(
  cacheDir: string,
  needBytes: number,
): Promise<string | undefined> {
  const folder = slotsFolder(cacheDir);
  const haveBytes = await freeBytes(folder);
  if (haveBytes >= needBytes) return undefined;
  return `a private Docker engine needs about ${formatBytes(needBytes)} free in ${folder}, and there are ${formatBytes(haveBytes)}`;
}

async function isThere(file: string): Promise<boolean> {
  // A folder of /sys/module, or a file of root's, fails to be read in its own way, which proves that it is there.
  return readFile(file, 'utf8').then(
    () => true,
    (error: unknown) => (error as NodeJS.ErrnoException).code !== 'ENOENT',
  );
}
