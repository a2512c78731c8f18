/** Services and EndpointSlices of every kind, hand-made and random, for the comparison with the real kube-proxy. */
import type { KubeObject } from '../../harness/core/kube.ts';

export interface RuleCase {
  service: KubeObject;
  slices: KubeObject[];
}

type Fields = Record<string, unknown>;

export function service(
  name: string,
  spec: Fields,
  labels: Record<string, string> = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', labels },
    spec: { ports: [{ name: 'http', port: 80 }], ...spec },
  };
}

export function slice(
  serviceName: string,
  index: number,
  endpoints: readonly Fields[],
  fields: Fields = {},
): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${serviceName}-${index}`,
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': serviceName },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints,
    ...fields,
  };
}

const at = (address: string, node: string, conditions: Fields = {}): Fields => ({
  addresses: [address],
  nodeName: node,
  conditions,
});
const READY = { ready: true, serving: true, terminating: false };
const NOT_READY = { ready: false, serving: false, terminating: false };
const DRAINING = { ready: false, serving: true, terminating: true };
const GONE = { ready: false, serving: false, terminating: true };
const TWO = [at('10.244.1.1', 'n1', READY), at('10.244.2.1', 'n2', READY)];

function one(name: string, spec: Fields, endpoints: readonly Fields[], fields?: Fields): RuleCase {
  return { service: service(name, spec), slices: [slice(name, 1, endpoints, fields)] };
}

const PORTS = [
  { name: 'http', port: 80, targetPort: 'web' },
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' },
];
const SLICE_PORTS = [
  { name: 'http', port: 8080 },
  { name: 'dns', port: 5353, protocol: 'UDP' },
  { name: 'dns-tcp', port: 5354 },
];
const hinted = (address: string, node: string, zone: string): Fields => ({
  ...at(address, node, READY),
  hints: { forZones: [{ name: zone }] },
});

export function handMadeCases(): RuleCase[] {
  return [...basicCases(), ...conditionCases(), ...policyCases(), ...sliceCases(), ...labelCases()];
}

function basicCases(): RuleCase[] {
  return [
    one('plain', {}, TWO),
    one('unnamed', { ports: [{ port: 81 }] }, TWO, { ports: [{ port: 8081 }] }),
    one('multi', { ports: PORTS }, TWO, { ports: SLICE_PORTS }),
    one('headless', { clusterIP: 'None' }, TWO),
    one('empty', {}, []),
    one('name-differs', { ports: [{ name: 'other', port: 80 }] }, TWO),
    one('affinity', { sessionAffinity: 'ClientIP', type: 'NodePort' }, TWO),
    {
      service: service('external-name', { type: 'ExternalName', externalName: 'a.b' }),
      slices: [],
    },
    { service: service('no-slice', {}), slices: [] },
    {
      service: service('dual', { ipFamilyPolicy: 'RequireDualStack', type: 'NodePort' }),
      slices: [
        slice('dual', 4, TWO),
        slice('dual', 6, [at('fd00:10:244::1', 'n1'), at('fd00:10:244:1::1', 'n2')], {
          addressType: 'IPv6',
        }),
      ],
    },
    one('six', { ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' }, [at('fd00::5', 'n1')], {
      addressType: 'IPv6',
    }),
    one('sctp', { ports: [{ name: 'http', port: 80, protocol: 'SCTP' }] }, TWO, {
      ports: [{ name: 'http', port: 8080, protocol: 'SCTP' }],
    }),
  ];
}

function conditionCases(): RuleCase[] {
  const [ready, other] = [at('10.244.1.2', 'n1', READY), at('10.244.2.2', 'n2', READY)];
  const draining = [at('10.244.1.3', 'n1', DRAINING), at('10.244.2.3', 'n2', DRAINING)];
  const local = { type: 'NodePort', externalTrafficPolicy: 'Local' };
  return [
    one('not-ready', {}, [ready, at('10.244.2.4', 'n2', NOT_READY)]),
    one('all-not-ready', {}, [at('10.244.2.4', 'n2', NOT_READY)]),
    one('publish', { publishNotReadyAddresses: true }, [at('10.244.2.4', 'n2', { ready: true })]),
    one('draining', {}, [ready, ...draining]),
    one('all-draining', {}, [...draining, at('10.244.1.9', 'n1', GONE)]),
    one('ready-and-terminating', {}, [
      at('10.244.1.4', 'n1', { ready: true, serving: true, terminating: true }),
    ]),
    one('local-draining', local, [other, ...draining]),
    one('internal-draining', { internalTrafficPolicy: 'Local' }, [other, ...draining]),
    one('no-conditions', {}, [{ addresses: ['10.244.1.5'] }, { addresses: ['10.244.1.6'] }]),
  ];
}

function policyCases(): RuleCase[] {
  const balanced = { type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.2.0/24'] };
  const remote = [at('10.244.9.1', 'n9', READY)];
  const external = { externalIPs: ['198.51.100.7', 'fd00:7::7'] };
  const all = [
    one('etp-local', { type: 'NodePort', externalTrafficPolicy: 'Local' }, TWO),
    one('etp-local-remote', { type: 'NodePort', externalTrafficPolicy: 'Local' }, remote),
    one('itp-local', { internalTrafficPolicy: 'Local' }, TWO),
    one('itp-local-remote', { internalTrafficPolicy: 'Local', type: 'NodePort' }, remote),
    one(
      'both-local',
      { internalTrafficPolicy: 'Local', type: 'NodePort', externalTrafficPolicy: 'Local' },
      TWO,
    ),
    one('external', external, TWO),
    one(
      'external-local',
      { ...external, externalIPs: ['198.51.100.8'], externalTrafficPolicy: 'Local' },
      TWO,
    ),
    one('balanced', balanced, TWO),
    one('balanced-local', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }, TWO),
    one('balanced-proxy', { type: 'LoadBalancer', ports: PORTS }, TWO, { ports: SLICE_PORTS }),
  ];
  const ingress: Record<string, Fields[]> = {
    balanced: [{ ip: '203.0.113.1' }, { hostname: 'lb.example' }],
    'balanced-local': [{ ip: '203.0.113.2', ipMode: 'VIP' }],
    'balanced-proxy': [{ ip: '203.0.113.3', ipMode: 'Proxy' }],
  };
  for (const { service: object } of all) {
    const own = ingress[object.metadata.name];
    if (own !== undefined) object['status'] = { loadBalancer: { ingress: own } };
  }
  return all;
}

function sliceCases(): RuleCase[] {
  const zoned = [hinted('10.244.1.1', 'n1', 'z1'), hinted('10.244.2.1', 'n2', 'z2')];
  const noded = TWO.map((endpoint) => ({
    ...endpoint,
    hints: { forNodes: [{ name: endpoint['nodeName'] }], forZones: [{ name: 'z1' }] },
  }));
  return [
    {
      service: service('two-slices', {}),
      slices: [
        slice('two-slices', 1, TWO),
        slice('two-slices', 2, [...TWO, at('10.244.2.7', 'n2', READY)], {
          ports: [{ name: 'http', port: 8080 }],
        }),
        slice('two-slices', 3, [at('10.244.2.8', 'n2', READY)], {
          ports: [{ name: 'http', port: 9090 }],
        }),
      ],
    },
    one('zones', {}, zoned),
    one('zones-elsewhere', {}, [hinted('10.244.3.1', 'n3', 'z9')]),
    one('zones-partly', {}, [zoned[0] ?? {}, at('10.244.2.1', 'n2', READY)]),
    one('nodes', { type: 'NodePort', externalTrafficPolicy: 'Local' }, noded),
  ];
}

function labelCases(): RuleCase[] {
  const foreign = { 'service.kubernetes.io/service-proxy-name': 'other' };
  return [
    { service: service('foreign', {}, foreign), slices: [slice('foreign', 1, TWO)] },
    {
      service: service('headless-label', {}, { 'service.kubernetes.io/headless': '' }),
      slices: [slice('headless-label', 1, TWO)],
    },
  ];
}
