/** Where the rules of a node show, and how that is read: by proxy mode, family, and variant of iptables. */
import type { Command } from '../../core/command.ts';
import { IP_VS_FILE } from '../../core/ip-vs.ts';
import type { WatchSource } from '../../core/node.ts';
import { parseIptables, significantPart } from './iptables.ts';
import { parseIpvsRules, type OwnAddresses } from './ipvs.ts';
import { parseNftables } from './nftables.ts';
import type { Family, KernelRules } from './rules.ts';

/** With 10 000 Services iptables-nft-save alone works for some 6 s. */
export const READ_TIMEOUT_MS = 30_000;

export interface RuleSource {
  readonly watch: WatchSource;
  /** What of a reading is the text: a path, or `stdout`. */
  readonly part: string;
  /** Undefined where the text is no complete answer. */
  parse(text: string): KernelRules | undefined;
  /** What of the text decides the result; equal parts need no second parse. */
  significant(text: string): string;
}

/** The variants of iptables, in the order in which they are asked. The plain name is whatever the node prefers. */
const IPTABLES_VARIANTS = ['iptables-nft', 'iptables-legacy', 'iptables'] as const;
export type IptablesVariant = (typeof IPTABLES_VARIANTS)[number];

/** Names of the legacy tables in the kernel. Asking `iptables-legacy-save` for one that is not there would load it. */
export const LEGACY_TABLES: Command = { argv: ['cat', '/proc/net/ip_tables_names'] };

export function nftablesSource(family: Family): RuleSource {
  const table = family === 'IPv4' ? 'ip' : 'ip6';
  return {
    ...shownBy({ argv: ['nft', '--stateless', 'list', 'ruleset', table] }),
    parse: parseNftables,
    significant: (text) => text,
  };
}

export function iptablesSource(variant: IptablesVariant, family: Family): RuleSource {
  return {
    ...shownBy(saveCommand(variant, family)),
    parse: parseIptables,
    significant: significantPart,
  };
}

/** Connections come and go without a rule that changes, but decide whether a backend has anything left to drain. */
export function ipvsSource(family: Family, own: OwnAddresses): RuleSource {
  return {
    watch: { files: [IP_VS_FILE] },
    part: IP_VS_FILE,
    parse: (text) => parseIpvsRules(text, family, own),
    significant: (text) => text,
  };
}

function shownBy(command: Command): Pick<RuleSource, 'watch' | 'part'> {
  return { watch: { command, timeoutMs: READ_TIMEOUT_MS }, part: 'stdout' };
}

export function saveCommand(variant: IptablesVariant, family: Family): Command {
  const program = family === 'IPv4' ? variant : variant.replace('iptables', 'ip6tables');
  return { argv: [`${program}-save`, '-t', 'nat'] };
}

/**
 * Decides which variant kube-proxy writes to, by what each shows (undefined: cannot be asked): the one with the most
 * Services. Leftovers of another variant are fewer or none; with equal numbers the first wins. Undefined where none has
 * kube-proxy's chains.
 */
export function chooseVariant(
  answers: Readonly<Partial<Record<IptablesVariant, string | undefined>>>,
): IptablesVariant | undefined {
  let best: { variant: IptablesVariant; rules: number } | undefined;
  for (const variant of IPTABLES_VARIANTS) {
    const text = answers[variant] ?? '';
    if (!text.includes('\n:KUBE-SERVICES ')) continue;
    const rules = text.split('\n-A KUBE-SERVICES ').length;
    if (best === undefined || rules > best.rules) best = { variant, rules };
  }
  return best?.variant;
}
