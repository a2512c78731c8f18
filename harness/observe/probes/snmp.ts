/** The protocol counters of the node's own network namespace: `/proc/net/snmp` and `/proc/net/netstat`. */
import type { Probe } from './probe.ts';

export const snmp: Probe = countersOf('snmp', '/proc/net/snmp');
export const netstat: Probe = countersOf('netstat', '/proc/net/netstat');

function countersOf(name: string, file: string): Probe {
  return {
    name,
    scope: 'node',
    source: { files: [file] },
    everyMsMin: 100,
    parse: (contents) => parsePairs(contents[file] ?? ''),
  };
}

/**
 * Reads pairs of lines, names and then values, that begin with the same word: `Udp: InErrors …`, `Udp: 3 …`. Returns
 * `Udp.InErrors`. Which names there are depends on the kernel, so nothing goes by position alone.
 */
export function parsePairs(text: string): Record<string, number> {
  const values: Record<string, number> = {};
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  for (const [index, names] of lines.entries()) {
    const numbers = lines[index + 1] ?? [];
    const [group = ''] = names;
    if (!group.endsWith(':') || numbers[0] !== group || numbers.length !== names.length) continue;
    if (!names.slice(1).every((name) => /^[A-Za-z]\w*$/.test(name))) continue;
    if (!numbers.slice(1).every((word) => /^-?\d+$/.test(word))) continue;
    for (const [column, name] of names.entries()) {
      if (column > 0) values[`${group.slice(0, -1)}.${name}`] = Number(numbers[column]);
    }
  }
  return values;
}
