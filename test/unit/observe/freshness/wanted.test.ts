/** What kube-proxy would do with one Service, for what the captured rules do not show. */
import assert from 'node:assert/strict';
import type { KubeObject } from '../../../../harness/core/kube.ts';
import { canonicalAddress } from '../../../../harness/observe/freshness/rules.ts';
import { createWantedIndex } from '../../../../harness/observe/freshness/wanted-index.ts';
import { service, slice } from '../../../support/rule-cases.ts';
import { wantedOf } from '../../../support/rule-differences.ts';

const FRONT = '10.96.0.1:80/TCP';
const IP = { clusterIP: '10.96.0.1' };
const NODE: KubeObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'z1' } },
};

interface Given {
  host: number;
  node?: string;
  zone?: string;
  ready?: boolean;
  serving?: boolean;
  terminating?: boolean;
}

function endpoint({ host, node = 'n2', zone, ready, serving, terminating }: Given) {
  return {
    addresses: [`10.244.0.${host}`],
    nodeName: node,
    conditions: { ready, serving, terminating },
    ...(zone === undefined ? {} : { hints: { forZones: [{ name: zone }] } }),
  };
}

/** Last numbers of the addresses that n1 would use. */
function hosts(given: readonly Given[], spec: Record<string, unknown> = {}): number[] {
  const objects = [NODE, service('a', { ...IP, ...spec }), slice('a', 1, given.map(endpoint))];
  const front = wantedOf(objects, 'n1', 'IPv4').get(FRONT);
  return [...(front?.endpoints ?? [])].map((one) => Number(one.split(/[.:]/)[3]));
}

describe('freshness: what kube-proxy would use', () => {
  const draining = { ready: false, serving: true, terminating: true };

  it('takes unknown conditions for ready', () => {
    assert.deepEqual(hosts([{ host: 1 }, { host: 2, ready: false }]), [1]);
  });

  it('falls back to serving, terminating endpoints only where nothing is ready', () => {
    assert.deepEqual(
      hosts([
        { host: 1, ready: true },
        { host: 2, ...draining },
      ]),
      [1],
    );
    assert.deepEqual(
      hosts([
        { host: 1, ready: false },
        { host: 2, ...draining },
      ]),
      [2],
    );
    assert.deepEqual(hosts([{ host: 2, ...draining, serving: false }]), []);
  });

  it('with a local policy falls back on its own node, whatever is ready elsewhere', () => {
    const local = { internalTrafficPolicy: 'Local' };
    assert.deepEqual(hosts([{ host: 1 }, { host: 2, ...draining, node: 'n1' }], local), [2]);
    assert.deepEqual(hosts([{ host: 1 }], local), []);
  });

  it('follows zone hints only where every ready endpoint has one and one is for here', () => {
    assert.deepEqual(
      hosts([
        { host: 1, zone: 'z1' },
        { host: 2, zone: 'z2' },
      ]),
      [1],
    );
    assert.deepEqual(hosts([{ host: 1, zone: 'z1' }, { host: 2 }]), [1, 2]);
    assert.deepEqual(
      hosts([
        { host: 1, zone: 'z3' },
        { host: 2, zone: 'z2' },
      ]),
      [1, 2],
    );
    const notReady = { host: 3, ready: false };
    assert.deepEqual(hosts([{ host: 1, zone: 'z1' }, { host: 2, zone: 'z2' }, notReady]), [1]);
  });

  it('leaves headless, ExternalName, addressless and foreign Services alone', () => {
    for (const spec of [{ clusterIP: 'None' }, { clusterIP: '' }, { type: 'ExternalName' }])
      assert.deepEqual(hosts([{ host: 1 }], spec), []);
    for (const label of ['service-proxy-name', 'headless']) {
      const labels = { [`service.kubernetes.io/${label}`]: 'x' };
      const objects = [service('a', IP, labels), slice('a', 1, [endpoint({ host: 1 })])];
      assert.equal(wantedOf(objects, 'n1', 'IPv4').size, 0);
    }
  });

  it('knows where kube-proxy may take either of two duplicates', () => {
    const objects = [
      service('a', IP),
      slice('a', 1, [endpoint({ host: 1 }), endpoint({ host: 2 })]),
      slice('a', 2, [endpoint({ host: 1, ready: false })]),
    ];
    const front = wantedOf(objects, 'n1', 'IPv4').get(FRONT);
    assert.deepEqual([...(front?.either ?? [])], ['10.244.0.1:8080']);
    assert.ok(front?.endpoints.has('10.244.0.2:8080'));
  });

  it('reads addresses as kube-proxy does', () => {
    assert.equal(canonicalAddress('FD00:0:0::5'), 'fd00::5');
    assert.equal(canonicalAddress('010.0.0.1'), '10.0.0.1');
    for (const bad of ['', '1.2.3', '1.2.3.256', 'a.b.c.d', 'fd00::zz'])
      assert.equal(canonicalAddress(bad), undefined);
  });
});

describe('freshness: the index of what the API said', () => {
  it('tells which Services a word touches', () => {
    const index = createWantedIndex();
    const first = slice('a', 1, [endpoint({ host: 1 })]);
    assert.deepEqual(index.apply({ type: 'ADDED', object: service('a', IP) }), ['default/a']);
    assert.deepEqual(index.apply({ type: 'ADDED', object: first }), ['default/a']);
    assert.deepEqual(index.apply({ type: 'ADDED', object: NODE }), ['default/a']);
    assert.deepEqual(index.apply({ type: 'MODIFIED', object: NODE }), []);
    const moved = {
      ...slice('b', 1, []),
      metadata: { ...first.metadata, labels: { 'kubernetes.io/service-name': 'b' } },
    };
    assert.deepEqual(index.apply({ type: 'MODIFIED', object: moved }), ['default/a', 'default/b']);
    assert.equal(index.fronts('default/a', 'IPv4', 'n1').get(FRONT)?.endpoints.size, 0);
    assert.deepEqual(index.apply({ type: 'DELETED', object: moved }), ['default/b']);
    assert.deepEqual(index.apply({ type: 'DELETED', object: service('a', IP) }), ['default/a']);
    assert.equal(index.fronts('default/a', 'IPv4', 'n1').size, 0);
    assert.deepEqual(index.services(), []);
  });
});
