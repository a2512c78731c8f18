/** What each CPU's packet backlog did: `/proc/net/softnet_stat`, hexadecimal u32 columns that grew over the years. */
import type { Probe } from './probe.ts';

const FILE = '/proc/net/softnet_stat';
/** By column. 3 to 8 are zero on every kernel since 4.7. */
const COLUMNS: readonly [number, string][] = [
  [0, 'processed'],
  [1, 'dropped'],
  [2, 'time_squeeze'],
  [9, 'received_rps'],
  [10, 'flow_limit_count'],
  [11, 'backlog'],
];
const CPU_COLUMN = 12;
const COLUMNS_MIN = 9;

export const softnet: Probe = {
  name: 'softnet',
  // It lies under /proc/net, but is of the kernel and not of a network namespace.
  scope: 'host-wide-on-kind',
  source: { files: [FILE] },
  everyMsMin: 100,
  parse: (contents) => parseSoftnet(contents[FILE] ?? ''),
};

/** Only CPUs that are online have a line; which one it is stands in it since 5.10, before that its place must do. */
export function parseSoftnet(text: string): Record<string, number> {
  const values: Record<string, number> = {};
  const lines = text.split('\n').filter((line) => line !== '');
  for (const [index, line] of lines.entries()) {
    const columns = line.trim().split(/\s+/);
    if (columns.length < COLUMNS_MIN || !columns.every((word) => /^[0-9a-f]{8}$/.test(word))) {
      continue;
    }
    const cpu = columns[CPU_COLUMN] === undefined ? index : parseInt(columns[CPU_COLUMN], 16);
    for (const [column, name] of COLUMNS) {
      const word = columns[column];
      if (word !== undefined) values[`cpu${cpu}.${name}`] = parseInt(word, 16);
    }
  }
  return values;
}
