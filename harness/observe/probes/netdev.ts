/** What each network device of the node's own namespace sent, received and dropped: `/proc/net/dev`. */
import type { Probe } from './probe.ts';

const FILE = '/proc/net/dev';

export const netdev: Probe = {
  name: 'netdev',
  scope: 'node',
  source: { files: [FILE] },
  everyMsMin: 100,
  parse: (contents) => parseNetdev(contents[FILE] ?? ''),
};

/** Returns `eth0.rx_drop` and so on; `rx_drop` holds what was missed by the hardware too. */
export function parseNetdev(text: string): Record<string, number> {
  const values: Record<string, number> = {};
  const lines = text.split('\n');
  const header = lines.find((line) => line.includes('|bytes'))?.split('|');
  if (header?.length !== 3) return values;
  const [, received = '', sent = ''] = header;
  const names = [
    ...words(received).map((name) => `rx_${name}`),
    ...words(sent).map((name) => `tx_${name}`),
  ];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon === -1) continue;
    const device = line.slice(0, colon).trim();
    const columns = words(line.slice(colon + 1));
    if (device === '' || columns.length !== names.length) continue;
    if (!columns.every((word) => /^\d+$/.test(word))) continue;
    for (const [index, name] of names.entries()) {
      values[`${device}.${name}`] = Number(columns[index]);
    }
  }
  return values;
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
