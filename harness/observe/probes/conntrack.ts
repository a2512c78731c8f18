/**
 * Connection tracking in the node's own network namespace: what it could not insert or threw out, and how full it is.
 * The limit, unlike the count, is the host's in a container node.
 */
import type { Probe } from './probe.ts';

const STATISTICS = '/proc/net/stat/nf_conntrack';
const COUNT = '/proc/sys/net/netfilter/nf_conntrack_count';
const MAX = '/proc/sys/net/netfilter/nf_conntrack_max';

export const conntrack: Probe = {
  name: 'conntrack',
  scope: 'node',
  source: { files: [STATISTICS, COUNT, MAX] },
  everyMsMin: 100,
  parse: (contents) => ({
    ...parseConntrackStatistics(contents[STATISTICS] ?? ''),
    ...parseNumber('count', contents[COUNT] ?? ''),
    ...parseNumber('max', contents[MAX] ?? ''),
  }),
};

/**
 * Adds up the lines, one for each possible CPU, by the names in the header: columns differ between kernels. Each line
 * is a u32, and so is their sum, so that a wrap of one is a wrap of the sum. `entries` is the same on every line.
 */
export function parseConntrackStatistics(text: string): Record<string, number> {
  const values: Record<string, number> = {};
  const [header = '', ...lines] = text.split('\n');
  const names = header.trim().split(/\s+/);
  if (!names.includes('insert_failed') || !names.every((name) => /^[a-z_]+$/.test(name))) return {};
  for (const line of lines) {
    const columns = line.trim().split(/\s+/);
    if (columns.length !== names.length) continue;
    if (!columns.every((word) => /^[0-9a-f]{8}$/.test(word))) continue;
    for (const [index, name] of names.entries()) {
      const value = parseInt(columns[index] ?? '', 16);
      values[name] = name === 'entries' ? value : ((values[name] ?? 0) + value) % 2 ** 32;
    }
  }
  return values;
}

function parseNumber(key: string, text: string): Record<string, number> {
  const word = text.trim();
  return /^\d+$/.test(word) ? { [key]: Number(word) } : {};
}
