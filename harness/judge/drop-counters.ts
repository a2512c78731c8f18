/**
 * Which counters are drops, and how they count. The one table between the probes' names and drop-count: a counter is
 * `<probe>/<key>`, and `*` stands for any text in a pattern.
 */

export interface DropCounter {
  /** As in `softnet/cpu*.dropped`. */
  pattern: string;
  bits: 32 | 64;
  /** In a container node these are the host's counters: every node and everything else on the machine shares them. */
  hostWideOnKind?: true;
  /** It begins at 0 when it appears: a new device or rule, whose first reading already counts. */
  bornAtZero?: true;
  /** Its probe has something to show on every node, so that no reading of it is a hole in the evidence. */
  everywhere?: true;
}

/**
 * Real drops only. Not here on purpose: time_squeeze (work was put off, nothing dropped), Udp.InErrors and ListenOverflows
 * (they repeat RcvbufErrors and ListenDrops), drops of veth devices (their other end goes with every pod).
 */
export const DROP_COUNTERS: readonly DropCounter[] = [
  { pattern: 'softnet/cpu*.dropped', bits: 32, hostWideOnKind: true, everywhere: true },
  { pattern: 'softnet/cpu*.flow_limit_count', bits: 32, hostWideOnKind: true },
  { pattern: 'netdev/*.rx_drop', bits: 64, bornAtZero: true, everywhere: true },
  { pattern: 'netdev/*.tx_drop', bits: 64, bornAtZero: true },
  { pattern: 'snmp/Ip.InDiscards', bits: 64, everywhere: true },
  { pattern: 'snmp/Ip.OutDiscards', bits: 64 },
  { pattern: 'snmp/Udp.RcvbufErrors', bits: 64 },
  { pattern: 'snmp/Udp.SndbufErrors', bits: 64 },
  { pattern: 'snmp/Udp.MemErrors', bits: 64 },
  { pattern: 'netstat/TcpExt.ListenDrops', bits: 64, everywhere: true },
  { pattern: 'netstat/TcpExt.TCPBacklogDrop', bits: 64 },
  { pattern: 'netstat/TcpExt.TCPRcvQDrop', bits: 64 },
  { pattern: 'netstat/TcpExt.TCPReqQFullDrop', bits: 64 },
  { pattern: 'netstat/TcpExt.TCPZeroWindowDrop', bits: 64 },
  { pattern: 'netstat/TcpExt.TCPOFODrop', bits: 64 },
  { pattern: 'netstat/TcpExt.TCPMinTTLDrop', bits: 64 },
  { pattern: 'netstat/TcpExt.PFMemallocDrop', bits: 64 },
  { pattern: 'conntrack/drop', bits: 32 },
  { pattern: 'conntrack/early_drop', bits: 32 },
  { pattern: 'conntrack/insert_failed', bits: 32 },
  { pattern: 'qdisc/*.drops', bits: 32, bornAtZero: true },
  { pattern: 'cadvisor/*.rx_dropped', bits: 64, bornAtZero: true },
  { pattern: 'cadvisor/*.tx_dropped', bits: 64, bornAtZero: true },
  { pattern: 'drop-rules/*', bits: 64, bornAtZero: true },
];

/** Devices whose drops are no loss of anybody's: they come and go with pods. */
const NOT_JUDGED = /^(?:(?:netdev|qdisc)\/|cadvisor\/.*\.)veth/;

/** Returns how a counter counts, or undefined where it is not a drop; `wanted` are the patterns of the scenario, if any. */
export function dropCounterOf(
  counter: string,
  wanted: readonly string[] | undefined,
): DropCounter | undefined {
  const known = DROP_COUNTERS.find(({ pattern }) => matches(pattern, counter));
  if (wanted === undefined) return NOT_JUDGED.test(counter) ? undefined : known;
  if (!wanted.some((pattern) => matches(pattern, counter))) return undefined;
  return known ?? { pattern: counter, bits: 64 };
}

/** Returns whether a pattern, in which `*` stands for any text, names the counter. */
export function matches(pattern: string, counter: string): boolean {
  return regexOf(pattern).test(counter);
}

const compiled = new Map<string, RegExp>();

function regexOf(pattern: string): RegExp {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const escaped = pattern.split('*').map((text) => text.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  const regex = new RegExp(`^${escaped.join('.*')}$`);
  compiled.set(pattern, regex);
  return regex;
}
