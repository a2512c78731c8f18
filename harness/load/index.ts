/** Every load that a scenario may name. One line for each; nothing registers itself. */
import { dnsPairs } from './dns/dns-pairs.ts';
import { dnsperf } from './dns/dnsperf.ts';
import { getaddrinfo } from './dns/getaddrinfo.ts';
import { holdConnections } from './hold/hold-connections.ts';
import { http } from './http/http.ts';
import type { Load } from './load.ts';

/** Give `pod` only what the same load's `params` has parsed. */
export const LOADS: readonly Load<unknown>[] = [
  dnsPairs,
  dnsperf,
  getaddrinfo,
  holdConnections,
  http,
];
