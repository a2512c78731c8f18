/**
 * What differs between kube-proxies in what they make of the same objects: by mode, and in ipvs mode by age. From the
 * sources of 1.13.0, 1.24.17 and 1.34.4 (`pkg/proxy/ipvs/proxier.go`, `pkg/proxy/topology.go`).
 */
import type { Plan } from '../../core/plan.ts';

export interface Dialect {
  /** A front of traffic policy Local has a second set of backends, for traffic from the node itself. */
  readonly shortCircuit: boolean;
  /** Traffic policy Local without a local endpoint means every endpoint, not none (kubernetes#97081). */
  readonly localFallsBack: boolean;
  /**
   * It reads v1 Endpoints: ready addresses only, no terminating ones, no hints, and no internal traffic policy; external
   * IPs are never local.
   */
  readonly readsEndpoints: boolean;
}

const RULES: Dialect = { shortCircuit: true, localFallsBack: false, readsEndpoints: false };
const IPVS: Dialect = { shortCircuit: false, localFallsBack: true, readsEndpoints: false };
const OLD_IPVS: Dialect = { shortCircuit: false, localFallsBack: false, readsEndpoints: true };

/** EndpointSlices are what kube-proxy reads on Linux since this minor release of Kubernetes 1. */
const SLICES_SINCE = 19;

/** `version` is that of kube-proxy; without it, a current one. */
export function dialectOf(mode: Plan['proxyMode'], version?: string): Dialect {
  if (mode !== 'ipvs') return RULES;
  const minor = /^1\.(\d+)\./.exec(version ?? '')?.[1];
  return minor !== undefined && Number(minor) < SLICES_SINCE ? OLD_IPVS : IPVS;
}
