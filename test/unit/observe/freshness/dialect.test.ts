/** What kube-proxies in ipvs mode make of the same Service, by their age (`pkg/proxy/ipvs/proxier.go`). */
import assert from 'node:assert/strict';
import { dialectOf } from '../../../../harness/observe/freshness/dialect.ts';
import { service, slice } from '../../../support/rule-cases.ts';
import { wantedOf } from '../../../support/rule-differences.ts';

const IP = { clusterIP: '10.96.0.1' };
const LOCAL = {
  type: 'NodePort',
  externalTrafficPolicy: 'Local',
  ports: [{ name: 'http', port: 80, nodePort: 30_080 }],
};
const READY = { ready: true, serving: true, terminating: false };
const DRAINING = { ready: false, serving: true, terminating: true };

const endpoint = (host: number, nodeName: string, conditions = READY) => ({
  addresses: [`10.244.0.${host}`],
  nodeName,
  conditions,
});

/** Last numbers of the addresses behind each front on n1. */
function fronts(
  version: string,
  spec: Record<string, unknown>,
  ...endpoints: ReturnType<typeof endpoint>[]
): Record<string, number[]> {
  const objects = [service('a', { ...IP, ...spec }), slice('a', 1, endpoints)];
  const wanted = wantedOf(objects, 'n1', 'IPv4', dialectOf('ipvs', version));
  return Object.fromEntries(
    [...wanted].map(([key, front]) => [
      key,
      [...front.endpoints].map((one) => Number(one.split(/[.:]/)[3])),
    ]),
  );
}

describe('freshness: what kube-proxy in ipvs mode would use', () => {
  const [near, far] = [endpoint(1, 'n1'), endpoint(2, 'n2')];
  const PORT = 'nodePort:30080/TCP';

  it('has no second front for the node’s own traffic', () => {
    assert.deepEqual(fronts('1.34.4', LOCAL, near, far), {
      '10.96.0.1:80/TCP': [1, 2],
      [PORT]: [1],
    });
  });

  it('falls back to every endpoint where none is local; an old one to none', () => {
    assert.deepEqual(fronts('1.34.4', LOCAL, far)[PORT], [2]);
    assert.deepEqual(fronts('1.13.1', LOCAL, far)[PORT], []);
  });

  it('falls back for internal traffic only where the Service can be reached from outside too', () => {
    const internal = { internalTrafficPolicy: 'Local' };
    assert.deepEqual(fronts('1.34.4', internal, far)['10.96.0.1:80/TCP'], []);
    assert.deepEqual(fronts('1.34.4', { ...LOCAL, ...internal }, far)['10.96.0.1:80/TCP'], [2]);
    assert.deepEqual(fronts('1.34.4', internal, near, far)['10.96.0.1:80/TCP'], [1]);
    assert.deepEqual(
      fronts('1.13.1', internal, near, far)['10.96.0.1:80/TCP'],
      [1, 2],
      'unknown to it',
    );
  });

  it('uses what serves and terminates where nothing is ready; one that reads Endpoints does not see it', () => {
    const last = endpoint(3, 'n2', DRAINING);
    assert.deepEqual(fronts('1.34.4', {}, last)['10.96.0.1:80/TCP'], [3]);
    assert.deepEqual(fronts('1.34.4', {}, far, last)['10.96.0.1:80/TCP'], [2]);
    assert.deepEqual(fronts('1.18.20', {}, last)['10.96.0.1:80/TCP'], []);
  });

  it('serves external IPs by every endpoint where it is old', () => {
    const spec = { ...LOCAL, externalIPs: ['192.0.2.7'] };
    assert.deepEqual(fronts('1.34.4', spec, near, far)['192.0.2.7:80/TCP'], [1]);
    assert.deepEqual(fronts('1.13.0', spec, near, far)['192.0.2.7:80/TCP'], [1, 2]);
  });

  it('is the same for all ages in the other modes', () => {
    assert.equal(dialectOf('iptables', '1.13.0'), dialectOf('nftables'));
    assert.equal(dialectOf('ipvs'), dialectOf('ipvs', '1.19.0'));
    assert.notEqual(dialectOf('ipvs'), dialectOf('ipvs', '1.18.20'));
  });
});
