/** What this machine's kernel and our rights on it ask of a cluster's configuration. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { missingCapabilities } from './runtime-shim.ts';

export function hasCgroupV1(): boolean {
  return !existsSync('/sys/fs/cgroup/cgroup.controllers');
}

/** Returns whether a container of a private engine may lower its oom_score_adj. */
export async function lacksResourceCapability(): Promise<boolean> {
  const missing = missingCapabilities(
    await readFile('/proc/self/status', 'utf8'),
    Number(await readFile('/proc/sys/kernel/cap_last_cap', 'utf8')),
  );
  return missing.includes('CAP_SYS_RESOURCE');
}
