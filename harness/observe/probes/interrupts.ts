/** Which CPU served which interrupt, hard and soft: `/proc/interrupts` and `/proc/softirqs`, one column a CPU. */
import type { Probe } from './probe.ts';

export const interrupts: Probe = tableOf('interrupts', '/proc/interrupts');
export const softirqs: Probe = tableOf('softirqs', '/proc/softirqs');

function tableOf(name: string, file: string): Probe {
  return {
    name,
    scope: 'host-wide-on-kind',
    source: { files: [file] },
    everyMsMin: 100,
    parse: (contents) => parseCpuTable(contents[file] ?? ''),
  };
}

/**
 * Returns `42:virtio3-tx.cpu1` for a numbered line, whose last words say who asked for the interrupt (numbers are given
 * anew when a device comes back), and `NET_RX.cpu1` for a named one. Lines without a column for each CPU are left out.
 */
export function parseCpuTable(text: string): Record<string, number> {
  const values: Record<string, number> = {};
  const [header = '', ...lines] = text.split('\n');
  const cpus = header.trim().split(/\s+/);
  if (!cpus.every((cpu) => /^CPU\d+$/.test(cpu))) return values;
  for (const line of lines) {
    const [, label, rest = ''] = /^\s*([\w-]+):\s+(.*)$/.exec(line) ?? [];
    const counts = rest.split(/\s+/).slice(0, cpus.length);
    if (label === undefined || counts.length < cpus.length) continue;
    if (!counts.every((word) => /^\d+$/.test(word))) continue;
    const owner = /^\d+$/.test(label) ? (/ {2,}(\S+(?:, \S+)*)\s*$/.exec(rest)?.[1] ?? '') : '';
    const isOwner = owner !== '' && !/^\d+$/.test(owner);
    for (const [index, cpu] of cpus.entries()) {
      values[`${label}${isOwner ? `:${owner}` : ''}.${cpu.toLowerCase()}`] = Number(counts[index]);
    }
  }
  return values;
}
