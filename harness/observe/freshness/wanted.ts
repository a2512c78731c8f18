/**
 * What the kernel should have: from one Service and its EndpointSlices to the fronts and backends on one node, exactly as
 * kube-proxy decides it (`serviceport.go`, `proxier.go` of each mode, Kubernetes 1.34; `dialect.ts` has the differences). `test/integration/
 * freshness-differential.test.ts` compares this with what the real kube-proxy programs.
 *
 * Not part of a backend set, and so not judged: REJECT and DROP rules of Services without endpoints, source ranges of
 * load balancers, masquerading, the time-out of session affinity, and on which of the node's addresses node ports answer.
 */
import type { Dialect } from './dialect.ts';
import { hasConflicts, usableEndpoints, type NodePlace } from './endpoints.ts';
import type { ServiceFields, SliceFields } from './objects.ts';
import {
  canonicalAddress,
  familyOf,
  fromNode,
  nodePortFront,
  vipFront,
  type Family,
  type FrontKey,
} from './rules.ts';

export interface WantedFront {
  /** Port name, or its number where it has no name; then the protocol, and the front where it is not the cluster IP. */
  readonly port: string;
  readonly endpoints: ReadonlySet<string>;
  /** Endpoints that kube-proxy may or may not take: never wrong. */
  readonly either: ReadonlySet<string>;
}

export type WantedFronts = ReadonlyMap<FrontKey, WantedFront>;

type ServicePort = NonNullable<ServiceFields['spec']['ports']>[number];
const NONE: ReadonlySet<string> = new Set();

export function wantedFronts(
  service: ServiceFields,
  slices: readonly SliceFields[],
  family: Family,
  node: NodePlace,
  dialect: Dialect,
): WantedFronts {
  const wanted = frontsInOrder(service, slices, family, node, dialect);
  if (!hasConflicts(slices)) return wanted;
  const other = frontsInOrder(service, slices.toReversed(), family, node, dialect);
  return new Map([...wanted].map(([key, front]) => [key, withEither(front, other.get(key))]));
}

/** Returns the families in which kube-proxy serves this Service; none for headless and ExternalName. */
export function familiesOf(service: ServiceFields): Family[] {
  return (['IPv4', 'IPv6'] as const).filter((family) => clusterIp(service, family) !== undefined);
}

function frontsInOrder(
  service: ServiceFields,
  slices: readonly SliceFields[],
  family: Family,
  node: NodePlace,
  dialect: Dialect,
): Map<FrontKey, WantedFront> {
  const fronts = new Map<FrontKey, WantedFront>();
  const vip = clusterIp(service, family);
  if (vip === undefined) return fronts;
  const internalLocal = isInternalLocal(service, dialect);
  const externalLocal = isExternalLocal(service);
  for (const port of service.spec.ports ?? []) {
    const usable = usableEndpoints(slices, port, family, node, dialect);
    const cluster = new Set(usable.cluster);
    const external = externalFronts(service, port, family);
    const hasCluster = !internalLocal || external.length > 0;
    const fallback = dialect.localFallsBack && hasCluster ? usable.cluster : [];
    const local = new Set(usable.local.length > 0 ? usable.local : fallback);
    const name = `${port.name === '' ? port.port : port.name}/${port.protocol}`;
    const add = (key: FrontKey, endpoints: ReadonlySet<string>, suffix: string): void => {
      if (!fronts.has(key)) fronts.set(key, { port: name + suffix, endpoints, either: NONE });
    };
    add(vipFront(vip, port.port, port.protocol), internalLocal ? local : cluster, '');
    for (const { key, neverLocal } of external) {
      const isLocal = externalLocal && !(neverLocal && dialect.readsEndpoints);
      add(key, isLocal ? local : cluster, ` via ${key}`);
      if (isLocal && dialect.shortCircuit) add(fromNode(key), cluster, ` via ${fromNode(key)}`);
    }
  }
  return fronts;
}

function withEither(front: WantedFront, other: WantedFront | undefined): WantedFront {
  const others = other?.endpoints ?? NONE;
  const differing = [
    ...[...front.endpoints].filter((endpoint) => !others.has(endpoint)),
    ...[...others].filter((endpoint) => !front.endpoints.has(endpoint)),
  ];
  return { ...front, either: new Set(differing) };
}

function clusterIp(service: ServiceFields, family: Family): string | undefined {
  const { type, clusterIP = '', clusterIPs, ipFamilies } = service.spec;
  if (clusterIP === '' || clusterIP === 'None' || type === 'ExternalName') return undefined;
  if (!ipFamilies || ipFamilies.length === 0)
    return familyOf(clusterIP) === family ? canonicalAddress(clusterIP) : undefined;
  const index = ipFamilies.indexOf(family);
  const address = index < 0 ? undefined : clusterIPs?.[index];
  return address === undefined ? undefined : canonicalAddress(address);
}

function isInternalLocal({ spec }: ServiceFields, { readsEndpoints }: Dialect): boolean {
  return spec.internalTrafficPolicy === 'Local' && !readsEndpoints;
}

function isExternalLocal({ spec }: ServiceFields): boolean {
  const accessible =
    spec.type === 'LoadBalancer' ||
    spec.type === 'NodePort' ||
    (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
  return accessible && spec.externalTrafficPolicy === 'Local';
}

interface ExternalFront {
  key: FrontKey;
  /** An old kube-proxy serves external IPs by every endpoint, whatever the traffic policy. */
  neverLocal: boolean;
}

function externalFronts(
  service: ServiceFields,
  port: ServicePort,
  family: Family,
): ExternalFront[] {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  const balanced = ingress.filter(({ ipMode }) => ipMode === 'VIP').map(({ ip }) => ip);
  const vips = (texts: readonly string[], neverLocal: boolean): ExternalFront[] =>
    texts
      .map((text) => canonicalAddress(text.trim()))
      .filter((address) => address !== undefined)
      .filter((address) => familyOf(address) === family)
      .map((address) => ({ key: vipFront(address, port.port, port.protocol), neverLocal }));
  return [
    ...vips(service.spec.externalIPs ?? [], true),
    ...vips(balanced, false),
    ...(port.nodePort === 0
      ? []
      : [{ key: nodePortFront(port.nodePort, port.protocol), neverLocal: false }]),
  ];
}
