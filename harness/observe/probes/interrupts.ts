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
  for (const { label, owner, counts } of readTable(text)) {
    for (const [cpu, count] of counts) {
      values[`${label}${owner === '' ? '' : `:${owner}`}.${cpu.toLowerCase()}`] = count;
    }
  }
  return values;
}

/** Returns who asked for each numbered interrupt: `42` to `virtio3-tx`. Pure. */
export function interruptOwners(text: string): Map<string, string> {
  return new Map(
    readTable(text)
      .filter(({ owner }) => owner !== '')
      .map(({ label, owner }) => [label, owner]),
  );
}

interface Row {
  label: string;
  /** Empty for a named line, and where nobody uses the number. */
  owner: string;
  counts: [cpu: string, count: number][];
}

function readTable(text: string): Row[] {
  const [header = '', ...lines] = text.split('\n');
  const cpus = header.trim().split(/\s+/);
  if (!cpus.every((cpu) => /^CPU\d+$/.test(cpu))) return [];
  return lines.flatMap((line) => {
    const [, label, rest = ''] = /^\s*([\w-]+):\s+(.*)$/.exec(line) ?? [];
    const counts = rest.split(/\s+/).slice(0, cpus.length);
    if (label === undefined || counts.length < cpus.length) return [];
    if (!counts.every((word) => /^\d+$/.test(word))) return [];
    const owner = /^\d+$/.test(label) ? (/ {2,}(\S+(?:, \S+)*)\s*$/.exec(rest)?.[1] ?? '') : '';
    return {
      label,
      // A number that nobody uses ends with the controller's own: `1-edge`.
      owner: /^\d+(?:-\w+)?$/.test(owner) ? '' : owner,
      counts: cpus.map((cpu, index): [string, number] => [cpu, Number(counts[index])]),
    };
  });
}
