/** Finds out, on the node, how its rules are read. */
import { waitFor } from '../../core/deadline.ts';
import { hasCode } from '../../core/errors.ts';
import type { Command, Executor } from '../../core/command.ts';
import type { Plan } from '../../core/plan.ts';
import type { NodeFields } from './objects.ts';
import { nodeAddresses } from './node-addresses.ts';
import {
  chooseVariant,
  iptablesSource,
  ipvsSource,
  LEGACY_TABLES,
  nftablesSource,
  READ_TIMEOUT_MS,
  saveCommand,
  type IptablesVariant,
  type RuleSource,
} from './rule-source.ts';
import type { Family } from './rules.ts';

const FIND_TIMEOUT_MS = 60_000;

/** Waits for kube-proxy's chains where the variant of iptables has to be found out. */
export async function findSource(
  node: Executor,
  proxyMode: Plan['proxyMode'],
  family: Family,
  place: Pick<NodeFields, 'addresses' | 'podRanges'>,
  signal: AbortSignal,
): Promise<RuleSource> {
  switch (proxyMode) {
    case 'nftables':
      return nftablesSource(family);
    case 'iptables': {
      const what = `kube-proxy's iptables chains on ${node.name}`;
      const variant = await waitFor({ what, timeoutMs: FIND_TIMEOUT_MS, signal }, () =>
        findVariant(node, signal),
      );
      return iptablesSource(variant, family);
    }
    case 'ipvs': {
      const all = new Set(await nodeAddresses(node, signal));
      return ipvsSource(family, { known: place.addresses, all, podRanges: place.podRanges });
    }
  }
}

/** Both families use the same variant, and IPv4 always has Services. */
async function findVariant(
  node: Executor,
  signal: AbortSignal,
): Promise<IptablesVariant | undefined> {
  const [legacyTables, nft] = await Promise.all([
    ask(node, LEGACY_TABLES, signal),
    ask(node, saveCommand('iptables-nft', 'IPv4'), signal),
  ]);
  const legacy = legacyTables?.split('\n').includes('nat')
    ? await ask(node, saveCommand('iptables-legacy', 'IPv4'), signal)
    : undefined;
  const found = chooseVariant({ 'iptables-nft': nft, 'iptables-legacy': legacy });
  if (found !== undefined || nft !== undefined || legacy !== undefined) return found;
  return chooseVariant({ iptables: await ask(node, saveCommand('iptables', 'IPv4'), signal) });
}

/** Returns undefined where the node does not have the program, or it fails. */
async function ask(
  node: Executor,
  command: Command,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { exitCode, stdout } = await node.run(command, { timeoutMs: READ_TIMEOUT_MS, signal });
    return exitCode === 0 ? stdout : undefined;
  } catch (error) {
    if (hasCode(error, 'command')) return undefined;
    throw error;
  }
}
