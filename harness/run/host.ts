/** The little that a plan must know of this machine, so that `auto` does not choose what cannot serve. Asks files only. */
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';

export interface Host {
  /** Whether this machine's kernel can do IPVS; undefined where an engine's own kernel decides (a desktop's VM). */
  readonly ipvs: boolean | undefined;
}

const LOADED = ['/proc/net/ip_vs', '/sys/module/ip_vs'];

/** A machine of which nothing is known: what a provider refuses there, it refuses everywhere. */
export const ANY_HOST: Host = { ipvs: undefined };

export function readHost(): Host {
  if (process.platform !== 'linux') return ANY_HOST;
  return { ipvs: LOADED.some((path) => existsSync(path)) || isLoadable('ip_vs') };
}

/** As modprobe finds it, without modprobe: `kernel/net/netfilter/ipvs/ip_vs.ko.xz: …`. */
function isLoadable(module: string): boolean {
  const folder = `/lib/modules/${os.release()}`;
  return ['modules.dep', 'modules.builtin'].some((file) => {
    try {
      return readFileSync(`${folder}/${file}`, 'utf8').includes(`/${module}.ko`);
    } catch {
      return false; // a kernel without modules has no such file
    }
  });
}
