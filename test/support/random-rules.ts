/** Random but valid Services with their slices; the same seed gives the same ones. */
import type { KubeObject } from '../../harness/core/kube.ts';
import { service, slice, type RuleCase } from './rule-cases.ts';

export type Dice = (sides: number) => number;

/** A small generator of its own (mulberry32), so that a failing seed can be told and repeated. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return (sides) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

const PORT_SETS = [
  [{ name: 'http', port: 80 }],
  [
    { name: 'http', port: 80 },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ],
  [
    { name: 'http', port: 8000 },
    { name: 'admin', port: 9000, protocol: 'TCP' },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ],
];

export function randomCase(roll: Dice, name: string): RuleCase {
  return { service: randomService(roll, name), slices: randomSlices(roll, name) };
}

function randomService(roll: Dice, name: string): KubeObject {
  const type = ['ClusterIP', 'ClusterIP', 'NodePort', 'LoadBalancer'][roll(4)] ?? 'ClusterIP';
  const external = type !== 'ClusterIP';
  const families = [
    { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] },
    { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] },
    { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] },
    { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv4'] },
  ][roll(4)];
  const made = service(name, {
    type,
    ...families,
    ports: PORT_SETS[roll(PORT_SETS.length)],
    internalTrafficPolicy: roll(3) === 0 ? 'Local' : 'Cluster',
    ...(external && roll(2) === 0 ? { externalTrafficPolicy: 'Local' } : {}),
    ...(roll(3) === 0 ? { sessionAffinity: 'ClientIP' } : {}),
  });
  if (type === 'LoadBalancer' && roll(2) === 0)
    made['status'] = {
      loadBalancer: { ingress: [{ ip: `203.0.${roll(200)}.${roll(200)}` }] },
    };
  return made;
}

function randomSlices(roll: Dice, name: string): KubeObject[] {
  return Array.from({ length: roll(4) }, (_, index) => {
    const six = roll(3) === 0;
    const endpoints = Array.from({ length: roll(5) }, () => randomEndpoint(roll, six));
    const ports = [
      { name: 'http', port: 8080 + roll(2) },
      ...(roll(2) === 0 ? [{ name: 'dns', port: 5353, protocol: 'UDP' }] : []),
      ...(roll(4) === 0 ? [{ name: 'admin', port: 9090 }] : []),
    ];
    return slice(name, index, endpoints, { addressType: six ? 'IPv6' : 'IPv4', ports });
  });
}

/** Few addresses, so that duplicates come about; an address keeps its node, as a real one does. */
function randomEndpoint(roll: Dice, six: boolean): Record<string, unknown> {
  const host = 1 + roll(6);
  const node = `n${1 + (host % 3)}`;
  const ready = roll(3) === 0;
  return {
    addresses: [six ? `fd00:10:244::${host}` : `10.244.0.${host}`],
    nodeName: node,
    conditions: { ready, serving: ready || roll(2) === 0, terminating: roll(2) === 0 },
    ...(roll(3) === 0 ? { hints: { forZones: [{ name: `z${1 + roll(2)}` }] } } : {}),
  };
}
