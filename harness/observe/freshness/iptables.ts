/**
 * Reads `iptables-save -t nat` (or ip6tables): KUBE-SERVICES → KUBE-SVC / KUBE-SVL / KUBE-EXT / KUBE-FW → KUBE-SEP →
 * DNAT. Up to 1.23, kube-proxy writes KUBE-XLB for KUBE-EXT, with the ways to this node's endpoints in it. A front is found
 * by address, port and protocol, because comments are missing in kube-proxy's large-cluster mode; a chain that no front
 * leads to is no entry, however it is named. One pass over the lines, without regular expressions: 10 000 Services are some
 * 10 MB of text.
 */
import {
  canonicalAddress,
  fromNode,
  nodePortFront,
  protocolOf,
  vipFront,
  type FrontKey,
  type KernelFront,
  type KernelRules,
} from './rules.ts';

interface Front {
  key: FrontKey;
  target: string;
  name: string | undefined;
}

interface Jump {
  target: string;
  /** Taken by some packets only; by kube-proxy's design those of this node. */
  conditional: boolean;
}

interface Chains {
  /** PREROUTING and OUTPUT, as far as they jump to KUBE-SERVICES. */
  hooks: Set<string>;
  fronts: Front[];
  /** KUBE-EXT, KUBE-XLB and KUBE-FW to where they lead. */
  externals: Map<string, Jump[]>;
  /** KUBE-SVC and KUBE-SVL to their KUBE-SEP chains. */
  policies: Map<string, Set<string>>;
  /** KUBE-SEP to the endpoint. */
  destinations: Map<string, string>;
}

/**
 * Returns what the rules do, or undefined where the text is cut off or holds rules that this iptables cannot name: then
 * nothing is known. No text at all is an empty table.
 */
export function parseIptables(text: string): KernelRules | undefined {
  if (text.trim() === '') return new Map();
  if (!text.includes('\nCOMMIT') || text.includes('[unsupported revision]')) return undefined;
  const chains = readChains(text);
  if (!chains.hooks.has('PREROUTING') || !chains.hooks.has('OUTPUT')) return new Map();
  return followFronts(chains);
}

/** Returns the part of the text that decides the result: not the time of day, not the counters of chains. */
export function significantPart(text: string): string {
  return text.slice(Math.max(0, text.indexOf('\n-A ')), text.lastIndexOf('COMMIT') + 1);
}

function readChains(text: string): Chains {
  const chains: Chains = {
    hooks: new Set(),
    fronts: [],
    externals: new Map(),
    policies: new Map(),
    destinations: new Map(),
  };
  let start = text.indexOf('\n-A ') + 1;
  while (start > 0 && text.startsWith('-A ', start)) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    readRule(text.slice(start, end), chains);
    start = end + 1;
  }
  return chains;
}

function readRule(line: string, chains: Chains): void {
  const chainEnd = line.indexOf(' ', 3);
  const jumpAt = line.lastIndexOf(' -j ');
  if (chainEnd < 0 || jumpAt < 0) return;
  const chain = line.slice(3, chainEnd);
  const target = wordAt(line, jumpAt + 4);
  if (chain.startsWith('KUBE-SEP-')) readDestination(line, chain, target, chains);
  else if (chain.startsWith('KUBE-SVC-') || chain.startsWith('KUBE-SVL-')) {
    if (target.startsWith('KUBE-SEP-')) multiSet(chains.policies, chain).add(target);
  } else if (isExternal(chain) || chain.startsWith('KUBE-FW-'))
    readExternal(line.slice(chainEnd, jumpAt), chain, target, chains);
  else if (chain === 'KUBE-SERVICES') readVip(line, target, chains);
  else if (chain === 'KUBE-NODEPORTS') readNodePort(line, target, chains);
  else if (target === 'KUBE-SERVICES') chains.hooks.add(chain);
}

function readDestination(line: string, chain: string, target: string, chains: Chains): void {
  if (target !== 'DNAT') return;
  const destination = option(line, ' --to-destination ');
  if (destination !== undefined) chains.destinations.set(chain, destination);
}

/** Up to 1.23 only where the traffic policy is Local; other fronts lead straight to KUBE-SVC there. */
function isExternal(chain: string): boolean {
  return chain.startsWith('KUBE-EXT-') || chain.startsWith('KUBE-XLB-');
}

/**
 * KUBE-FW leads on by source address; that is a filter, not a second way. KUBE-EXT tells the node's own traffic apart, and
 * so does KUBE-XLB, whose jumps to endpoints are a choice among them.
 */
function readExternal(matches: string, chain: string, target: string, chains: Chains): void {
  const isPolicy = target.startsWith('KUBE-SVC-') || target.startsWith('KUBE-SVL-');
  const isEndpoint = target.startsWith('KUBE-SEP-');
  if (!isPolicy && !isEndpoint && !isExternal(target)) return;
  const conditional = isPolicy && isExternal(chain) && withoutComment(matches) !== '';
  const jumps = chains.externals.get(chain) ?? [];
  jumps.push({ target, conditional });
  chains.externals.set(chain, jumps);
}

function readVip(line: string, target: string, chains: Chains): void {
  if (!target.startsWith('KUBE-') || target === 'KUBE-NODEPORTS') return;
  const [address = '', length] = (option(line, ' -d ') ?? '').split('/');
  const protocol = protocolOf(option(line, ' -p ') ?? '');
  const port = option(line, ' --dport ');
  const canonical = canonicalAddress(address);
  if (canonical === undefined || protocol === undefined || port === undefined) return;
  if (length !== undefined && length !== '32' && length !== '128') return;
  chains.fronts.push({ key: vipFront(canonical, port, protocol), target, name: nameIn(line) });
}

/** The extra rule for 127.0.0.0/8, which only counts packets, is not the front. */
function readNodePort(line: string, target: string, chains: Chains): void {
  const protocol = protocolOf(option(line, ' -p ') ?? '');
  const port = option(line, ' --dport ');
  if (protocol === undefined || port === undefined || option(line, ' -d ') !== undefined) return;
  chains.fronts.push({ key: nodePortFront(port, protocol), target, name: nameIn(line) });
}

function followFronts(chains: Chains): Map<FrontKey, KernelFront> {
  const rules = new Map<FrontKey, KernelFront>();
  const add = (key: FrontKey, name: string | undefined, endpoints: ReadonlySet<string>): void => {
    if (endpoints.size > 0) rules.set(key, { name, endpoints });
  };
  for (const { key, target, name } of chains.fronts) {
    if (rules.has(key)) continue; // the first rule takes the packet
    if (chains.policies.has(target)) {
      add(key, name, endpointsOf([target], chains));
      continue;
    }
    const jumps = (chains.externals.get(target) ?? []).flatMap((jump) =>
      isExternal(jump.target) ? (chains.externals.get(jump.target) ?? []) : [jump],
    );
    const all = jumps.filter(({ conditional }) => !conditional);
    const own = jumps.filter(({ conditional }) => conditional);
    add(key, name, endpointsOf(targets(all), chains));
    add(fromNode(key), name, endpointsOf(targets(own), chains));
  }
  return rules;
}

function targets(jumps: readonly Jump[]): string[] {
  return jumps.map(({ target }) => target);
}

function endpointsOf(ways: readonly string[], chains: Chains): Set<string> {
  const endpoints = new Set<string>();
  for (const way of ways) {
    for (const chain of way.startsWith('KUBE-SEP-') ? [way] : (chains.policies.get(way) ?? [])) {
      const destination = chains.destinations.get(chain);
      if (destination !== undefined) endpoints.add(destination);
    }
  }
  return endpoints;
}

function multiSet(map: Map<string, Set<string>>, key: string): Set<string> {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = new Set<string>();
  map.set(key, made);
  return made;
}

function wordAt(line: string, start: number): string {
  const end = line.indexOf(' ', start);
  return end < 0 ? line.slice(start) : line.slice(start, end);
}

function option(line: string, flag: string): string | undefined {
  const at = line.indexOf(flag);
  return at < 0 ? undefined : wordAt(line, at + flag.length);
}

const COMMENT = '-m comment --comment ';

function withoutComment(matches: string): string {
  const at = matches.indexOf(COMMENT);
  if (at < 0) return matches.trim();
  const text = at + COMMENT.length;
  const end = matches[text] === '"' ? matches.indexOf('"', text + 1) : matches.indexOf(' ', text);
  return (matches.slice(0, at) + (end < 0 ? '' : matches.slice(end + 1))).trim();
}

/** Returns `ns/name:port` from a comment like `"ns/name:port cluster IP"`. */
function nameIn(line: string): string | undefined {
  const at = line.indexOf(COMMENT);
  if (at < 0) return undefined;
  return wordAt(line, at + COMMENT.length).replaceAll('"', '');
}
