/**
 * Kernel settings without a namespace: a kubelet or systemd in a privileged container changes them for the whole host.
 * They are remembered before the first run and put back after the last one.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What kubelet sets itself, and what systemd's sysctl.d files in a node image set. */
const NAMES = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'vm/max_map_count',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
  'kernel/pid_max',
  'kernel/sysrq',
  'kernel/core_uses_pid',
  'kernel/core_pattern',
  'fs/protected_hardlinks',
  'fs/protected_symlinks',
  'fs/protected_fifos',
  'fs/protected_regular',
  'fs/inotify/max_user_watches',
  'fs/inotify/max_user_instances',
] as const;

/** Returns the value of each setting that this kernel has. */
export async function readSysctls(root = '/proc/sys'): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const name of NAMES) {
    const value = await readFile(path.join(root, name), 'utf8').catch(() => undefined);
    if (value !== undefined) values[name] = value.trimEnd();
  }
  return values;
}

/** Returns the names whose value is no longer what it was. */
export async function changedSysctls(
  before: Readonly<Record<string, string>>,
  root = '/proc/sys',
): Promise<string[]> {
  const now = await readSysctls(root);
  return Object.keys(before).filter((name) => name in now && now[name] !== before[name]);
}

export async function restoreSysctl(name: string, value: string, root = '/proc/sys') {
  await writeFile(path.join(root, name), value);
}
