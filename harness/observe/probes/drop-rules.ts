/**
 * What packet filter rules drop on purpose: the counter of every DROP rule, and of every chain whose policy is DROP, in
 * the filter table of the node's own network namespace. No other kernel counter has them all: a drop in INPUT or FORWARD
 * moves none.
 *
 * Left out: kube-proxy's and kubelet's chains (KUBE-…). What they drop is invalid by their own judgement, a rewrite sets
 * their counters back, and kube-proxy has a metric for it. Rules in nftables tables that iptables does not know are not
 * seen either; nor are nat (it cannot drop), raw and mangle, where Kubernetes has none.
 */
import type { Probe } from './probe.ts';

/** `[37:1332] -A OUTPUT -d 127.0.0.1/32 … -j DROP` of `iptables-save -c`. */
const DROP_RULE = /^\[(\d+):\d+\] -A (\S+) (?:(.*) )?-j DROP$/;
/** `:INPUT DROP [12:345]`. */
const DROP_POLICY = /^:(\S+) DROP \[(\d+):\d+\]$/;
const COMMENT = /--comment (?:"((?:[^"\\]|\\.)*)"|(\S+))/;

export const dropRules: Probe = {
  name: 'drop-rules',
  scope: 'node',
  source: { command: { argv: ['iptables-save', '-c', '-t', 'filter'] }, timeoutMs: 5_000 },
  everyMsMin: 1_000,
  parse: ({ stdout }) => parseDropRules(stdout ?? ''),
};

/**
 * Returns packets by `chain/comment`; a rule without a comment goes by its match, a policy by `policy`. Rules that cannot
 * be told apart are added up.
 */
export function parseDropRules(iptablesSave: string): Record<string, number> {
  const packets = new Map<string, number>();
  for (const line of iptablesSave.split('\n')) {
    const found = readRule(line) ?? readPolicy(line);
    if (found === undefined || found.chain.startsWith('KUBE-')) continue;
    const key = `${found.chain}/${found.what}`;
    packets.set(key, (packets.get(key) ?? 0) + found.packets);
  }
  return Object.fromEntries(packets);
}

interface Counted {
  chain: string;
  what: string;
  packets: number;
}

function readRule(line: string): Counted | undefined {
  const [, packets, chain, match = 'all'] = DROP_RULE.exec(line) ?? [];
  if (packets === undefined || chain === undefined) return undefined;
  const comment = COMMENT.exec(match);
  return { chain, what: comment?.[1] ?? comment?.[2] ?? match, packets: Number(packets) };
}

function readPolicy(line: string): Counted | undefined {
  const [, chain, packets] = DROP_POLICY.exec(line) ?? [];
  if (packets === undefined || chain === undefined) return undefined;
  return { chain, what: 'policy', packets: Number(packets) };
}
