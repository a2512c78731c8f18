/**
 * Reads /proc/net/ip_vs: a real server with weight is an entry. One without weight drains and is none: no new connection
 * goes there. It may stay for as long as it has connections; without any it is *idle*, and kube-proxy, which looks once a
 * minute, has to take it away.
 *
 * A node port is one virtual server for each of the node's own addresses. They are one front here, shown as it is at the
 * address by which the cluster knows the node; on which others it answers is not judged (`wanted.ts`).
 */
import { BlockList } from 'node:net';
import { parseIpVs, type VirtualServer } from '../../core/ip-vs.ts';
import {
  canonicalAddress,
  familyOf,
  hostPort,
  nodePortFront,
  vipFront,
  type Family,
  type FrontKey,
  type KernelFront,
  type KernelRules,
} from './rules.ts';

/** Which addresses are the node's own, and not those of Services. */
export interface OwnAddresses {
  /** By which the cluster knows the node; at most one of a family. */
  readonly known: readonly string[];
  readonly all: ReadonlySet<string>;
  /** The node has an address in each range of its pods, as soon as it has a pod. */
  readonly podRanges: readonly string[];
}

export function parseIpvsRules(
  text: string,
  family: Family,
  own: OwnAddresses,
): KernelRules | undefined {
  const servers = parseIpVs(text);
  if (servers === undefined) return undefined;
  const isOwn = ownAddresses(own);
  const rules = new Map<FrontKey, KernelFront>();
  for (const server of servers) {
    if (familyOf(server.address) !== family) continue;
    const key = frontOf(server, isOwn, own.known);
    if (key !== undefined) rules.set(key, toFront(server));
  }
  return rules;
}

/** Undefined for a node port at an address that is not judged. */
function frontOf(
  { address, port, protocol }: VirtualServer,
  isOwn: (address: string) => boolean,
  known: readonly string[],
): FrontKey | undefined {
  if (known.includes(address)) return nodePortFront(port, protocol);
  return isOwn(address) ? undefined : vipFront(address, port, protocol);
}

function toFront({ realServers }: VirtualServer): KernelFront {
  const named = (wanted: (one: VirtualServer['realServers'][number]) => boolean): Set<string> =>
    new Set(realServers.filter(wanted).map(({ address, port }) => hostPort(address, port)));
  return {
    name: undefined,
    endpoints: named(({ weight }) => weight > 0),
    idle: named(({ weight, activeConn, inActConn }) => weight <= 0 && activeConn + inActConn === 0),
  };
}

function ownAddresses({ known, all, podRanges }: OwnAddresses): (address: string) => boolean {
  const pods = new BlockList();
  for (const range of podRanges) {
    const [network = '', length] = range.split('/');
    if (canonicalAddress(network) !== undefined)
      pods.addSubnet(network, Number(length), kindOf(network));
  }
  return (address) =>
    known.includes(address) || all.has(address) || pods.check(address, kindOf(address));
}

function kindOf(address: string): 'ipv4' | 'ipv6' {
  return familyOf(address) === 'IPv4' ? 'ipv4' : 'ipv6';
}
