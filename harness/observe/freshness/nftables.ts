/**
 * Reads `nft --stateless list ruleset ip` (or ip6): the table kube-proxy with its maps `service-ips` and
 * `service-nodeports` → chains service-, local-, external- → endpoint- → `dnat to`. The whole family is listed, not just
 * the table, so that a table which somebody deleted reads as "no rules" and not as a failed command. Text, not JSON: it
 * is a quarter of the size and nft spends less time on it.
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

interface Table {
  /** Chain name to its lines, trimmed. */
  chains: Map<string, string[]>;
  /** Map name to the text of its elements. */
  maps: Map<string, string>;
}

/** Returns what the rules do, or undefined where the text is cut off: then nothing is known. */
export function parseNftables(text: string): KernelRules | undefined {
  if (text.trim() === '') return new Map();
  if (!text.endsWith('}\n')) return undefined;
  const start = /^table ip6? kube-proxy \{$/m.exec(text)?.index;
  if (start === undefined) return new Map();
  const end = text.indexOf('\n}\n', start);
  if (end < 0) return undefined;
  const table = readTable(text.slice(start, end));
  return isHooked(table) ? followFronts(table) : new Map();
}

function readTable(text: string): Table {
  const table: Table = { chains: new Map(), maps: new Map() };
  let lines: string[] | undefined;
  let map: string | undefined;
  for (const line of text.split('\n')) {
    if (line === '\t}') {
      lines = undefined;
      map = undefined;
    } else if (line.startsWith('\tchain ')) {
      lines = [];
      table.chains.set(line.slice(7, line.lastIndexOf(' {')), lines);
    } else if (line.startsWith('\tmap ')) {
      map = line.slice(5, line.lastIndexOf(' {'));
      table.maps.set(map, '');
    } else if (lines !== undefined) lines.push(line.trim());
    else if (map !== undefined && !/^\t\t(type|comment|flags|size|timeout) /.test(line))
      table.maps.set(map, `${table.maps.get(map) ?? ''}${line.trim()} `);
  }
  return table;
}

function isHooked(table: Table): boolean {
  const jumps = (chain: string): boolean =>
    table.chains.get(chain)?.includes('jump services') ?? false;
  return jumps('nat-prerouting') && jumps('nat-output');
}

function followFronts(table: Table): Map<FrontKey, KernelFront> {
  const rules = new Map<FrontKey, KernelFront>();
  const services = table.chains.get('services') ?? [];
  const uses = (map: string): boolean => services.some((line) => line.includes(`vmap @${map}`));
  if (uses('service-ips')) {
    for (const [key, chain] of elements(table.maps.get('service-ips') ?? '')) {
      const [address = '', protocol = '', port = ''] = key.split(' . ');
      const vip = canonicalAddress(address);
      const known = protocolOf(protocol);
      if (vip !== undefined && known !== undefined)
        addFront(rules, vipFront(vip, port, known), chain, table);
    }
  }
  for (const [key, chain] of elements(table.maps.get('service-nodeports') ?? '')) {
    const [protocol = '', port = ''] = key.split(' . ');
    const known = protocolOf(protocol);
    if (known !== undefined) addFront(rules, nodePortFront(port, known), chain, table);
  }
  return rules;
}

/** Yields key and chain of `elements = { 10.96.0.1 . tcp . 443 comment "…" : goto service-X, … }`. */
function* elements(text: string): Generator<[string, string]> {
  const open = text.indexOf('{');
  if (open < 0) return;
  for (const element of text.slice(open + 1, text.lastIndexOf('}')).split(',')) {
    const at = element.indexOf(' : goto ');
    if (at < 0) continue;
    const comment = element.indexOf(' comment ');
    const key = element.slice(0, comment < 0 || comment > at ? at : comment);
    yield [key.trim(), element.slice(at + 8).trim()];
  }
}

function addFront(
  rules: Map<FrontKey, KernelFront>,
  key: FrontKey,
  chain: string,
  table: Table,
): void {
  const name = nameIn(chain);
  const add = (front: FrontKey, endpoints: ReadonlySet<string>): void => {
    if (endpoints.size > 0) rules.set(front, { name, endpoints });
  };
  if (!chain.startsWith('external-')) {
    add(key, endpointsOf([chain], table));
    return;
  }
  const all: string[] = [];
  const own: string[] = [];
  for (const line of table.chains.get(chain) ?? []) {
    const target = gotos(line)[0];
    if (target !== undefined) (line.startsWith('goto ') ? all : own).push(target);
  }
  add(key, endpointsOf(all, table));
  add(fromNode(key), endpointsOf(own, table));
}

function endpointsOf(policies: readonly string[], table: Table): Set<string> {
  const endpoints = new Set<string>();
  for (const policy of policies) {
    for (const line of table.chains.get(policy) ?? []) {
      for (const chain of gotos(line)) {
        const destination = destinationOf(table.chains.get(chain) ?? []);
        if (destination !== undefined) endpoints.add(destination);
      }
    }
  }
  return endpoints;
}

function destinationOf(lines: readonly string[]): string | undefined {
  const line = lines.find((text) => text.includes('dnat '));
  if (line === undefined) return undefined;
  return line.slice(line.lastIndexOf(' to ') + 4).split(' ')[0];
}

/** Returns the chains that a rule goes to: one, or each of a verdict map. */
function gotos(line: string): string[] {
  const found: string[] = [];
  for (let at = line.indexOf('goto '); at >= 0; at = line.indexOf('goto ', at + 5)) {
    let end = at + 5;
    while (end < line.length && line[end] !== ' ' && line[end] !== ',') end += 1;
    found.push(line.slice(at + 5, end));
  }
  return found;
}

/** Returns `ns/name:port` from a chain name like `service-IVLUFNTH-ns/name/udp/port`. */
function nameIn(chain: string): string | undefined {
  const [namespace = '', name, , port = ''] = chain.split('/');
  if (name === undefined) return undefined;
  return `${namespace.slice(namespace.indexOf('-') + 10)}/${name}${port === '' ? '' : `:${port}`}`;
}
