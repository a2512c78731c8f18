/**
 * From EndpointSlices to the endpoints that one node may use, as kube-proxy decides it: `endpointslicecache.go` and
 * `topology.go` (CategorizeEndpoints) of Kubernetes 1.34.
 */
import type { Dialect } from './dialect.ts';
import type { SliceFields } from './objects.ts';
import { canonicalAddress, hostPort, type Family, type Protocol } from './rules.ts';

/** Where rules are judged. */
export interface NodePlace {
  name: string;
  /**
   * Label topology.kubernetes.io/zone; empty where there is none. A kube-proxy of 1.34 that starts on a node which has it
   * already may miss it for good (6 of 150 starts on one busy core: `NewNodeTopologyConfig` may hear of the node before
   * the proxier is registered with it) and then ignores zone hints until it is restarted: what it adds so is stale.
   */
  zone: string;
}

interface Endpoint {
  readonly address: string;
  readonly local: boolean;
  readonly ready: boolean;
  /** Serving and terminating: used where nothing is ready. */
  readonly draining: boolean;
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

export interface Usable {
  /** For traffic policy Cluster. */
  readonly cluster: readonly string[];
  /** For traffic policy Local: endpoints on this node. */
  readonly local: readonly string[];
}

/**
 * Where one address is in two slices with different conditions, kube-proxy takes either (it walks a Go map). Taking the
 * slices in both orders shows which entries hang on that.
 */
export function hasConflicts(slices: readonly SliceFields[]): boolean {
  if (slices.length < 2) return false;
  const seen = new Map<string, string>();
  for (const slice of slices) {
    for (const endpoint of slice.endpoints ?? []) {
      const key = endpoint.addresses?.[0] ?? '';
      const rest = JSON.stringify([endpoint.conditions, endpoint.hints, endpoint.nodeName]);
      if ((seen.get(key) ?? rest) !== rest) return true;
      seen.set(key, rest);
    }
  }
  return false;
}

/** Returns the endpoints of one Service port, by address; a duplicate replaces an earlier one only if it is local. */
export function usableEndpoints(
  slices: readonly SliceFields[],
  port: { name: string; protocol: Protocol },
  family: Family,
  node: NodePlace,
  { readsEndpoints }: Pick<Dialect, 'readsEndpoints'>,
): Usable {
  const byAddress = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== family) continue;
    for (const own of slice.ports ?? []) {
      if (own.name !== port.name || own.protocol !== port.protocol || !own.port) continue;
      for (const endpoint of readEndpoints(slice, own.port, node)) {
        if (!byAddress.has(endpoint.address) || endpoint.local)
          byAddress.set(endpoint.address, endpoint);
      }
    }
  }
  const all = [...byAddress.values()];
  if (readsEndpoints) {
    const ready = all.filter((endpoint) => endpoint.ready);
    return { cluster: addresses(ready), local: addresses(ready.filter(({ local }) => local)) };
  }
  return { cluster: clusterEndpoints(all, node), local: localEndpoints(all) };
}

function* readEndpoints(slice: SliceFields, port: number, node: NodePlace): Generator<Endpoint> {
  for (const { addresses, nodeName, conditions, hints } of slice.endpoints ?? []) {
    const address = canonicalAddress(addresses?.[0] ?? '');
    if (address === undefined) continue;
    yield {
      address: hostPort(address, port),
      local: nodeName === node.name,
      ready: conditions?.ready ?? true,
      draining: (conditions?.serving ?? true) && (conditions?.terminating ?? false),
      zones: (hints?.forZones ?? []).map(({ name }) => name),
      nodes: (hints?.forNodes ?? []).map(({ name }) => name),
    };
  }
}

function clusterEndpoints(all: readonly Endpoint[], node: NodePlace): string[] {
  const ready = all.filter((endpoint) => endpoint.ready);
  const hinted = byHints(ready, node);
  if (hinted.length > 0) return addresses(hinted);
  return addresses(all.filter((endpoint) => endpoint.draining));
}

function localEndpoints(all: readonly Endpoint[]): string[] {
  const local = all.filter((endpoint) => endpoint.local);
  const ready = local.filter((endpoint) => endpoint.ready);
  if (ready.length > 0) return addresses(ready);
  return addresses(local.filter((endpoint) => endpoint.draining));
}

/** Hints count only where every ready endpoint has one and one of them is for here; node hints go before zone hints. */
function byHints(ready: readonly Endpoint[], node: NodePlace): readonly Endpoint[] {
  if (ready.every(({ nodes }) => nodes.length > 0)) {
    const here = ready.filter(({ nodes }) => nodes.includes(node.name));
    if (here.length > 0) return here;
  }
  if (ready.every(({ zones }) => zones.length > 0)) {
    const here = ready.filter(({ zones }) => zones.includes(node.zone));
    if (here.length > 0) return here;
  }
  return ready;
}

function addresses(endpoints: readonly Endpoint[]): string[] {
  return endpoints.map(({ address }) => address);
}
