/**
 * The common shape of what is wanted and of what the kernel has, so that one comparison serves every proxy mode.
 *
 * A *front* is one way into a Service as the kernel sees it: a virtual IP (cluster IP, external IP, load balancer IP) or
 * a node port, each with port and protocol. With `externalTrafficPolicy: Local` an external front has two sets of
 * backends: one for the world, one for traffic from the node's own pods and processes (the short circuit). These are two
 * fronts here, the second one marked with ` from node`. An *entry* is one endpoint behind one front. A proxy mode that
 * knows draining backends (ipvs, weight 0) leaves them out: no new connection goes there, so they are no entries.
 */
import { SocketAddress } from 'node:net';

export type Family = 'IPv4' | 'IPv6';
export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** `10.96.0.10:53/UDP`, `[fd00::a]:53/UDP` or `nodePort:30080/TCP`; with ` from node` for the short circuit. */
export type FrontKey = string;

export interface KernelFront {
  /** `ns/name:port` as far as the rules say it themselves; for messages only, never for matching. */
  readonly name: string | undefined;
  /** `10.244.1.5:8080`, `[fd00::5]:8080`. */
  readonly endpoints: ReadonlySet<string>;
  /** Backends that drain and have nothing left to drain: to be taken away within a minute. */
  readonly idle?: ReadonlySet<string>;
}

/** What the kernel of one node would do, for one family. A front without backends may be there or not: it is the same. */
export type KernelRules = ReadonlyMap<FrontKey, KernelFront>;

export function vipFront(address: string, port: number | string, protocol: Protocol): FrontKey {
  return `${hostPort(address, port)}/${protocol}`;
}

export function nodePortFront(port: number | string, protocol: Protocol): FrontKey {
  return `nodePort:${port}/${protocol}`;
}

export function fromNode(front: FrontKey): FrontKey {
  return `${front} from node`;
}

export function hostPort(address: string, port: number | string): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export function protocolOf(word: string): Protocol | undefined {
  const upper = word.toUpperCase();
  return upper === 'TCP' || upper === 'UDP' || upper === 'SCTP' ? upper : undefined;
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/**
 * Returns the address as the kernel's tools print it, or undefined where it is none. The API accepts `FD00:0::5` and,
 * in old objects, `010.0.0.1`; kube-proxy reads the latter as decimal.
 */
export function canonicalAddress(text: string): string | undefined {
  if (text.includes(':')) {
    try {
      return new SocketAddress({ address: text, family: 'ipv6' }).address;
    } catch {
      return undefined;
    }
  }
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d+$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.map(Number).join('.');
}
