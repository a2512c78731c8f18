import assert from 'node:assert/strict';
import { kindNodeNames } from '../../../harness/providers/kind/early-setup.ts';
import { cniConflist, routeCommands } from '../../../harness/providers/pod-network.ts';

const RANGES = [
  { node: 'a', address: '172.18.0.2', podCidr: '10.244.0.0/24' },
  { node: 'b', address: '172.18.0.3', podCidr: '10.244.1.0/24' },
  { node: 'c', address: '172.18.0.4', podCidr: '10.244.2.0/24' },
];

describe('the pod network of a kind node', () => {
  it('gives pods addresses of the node’s own range and a way out', () => {
    const config = JSON.parse(cniConflist('10.244.1.0/24')) as {
      plugins: { type: string; ipam?: { ranges: unknown; routes: unknown } }[];
    };
    assert.deepEqual(
      config.plugins.map(({ type }) => type),
      ['ptp', 'portmap'],
    );
    const ipam = config.plugins[0]?.ipam;
    assert.deepEqual(
      [ipam?.ranges, ipam?.routes],
      [[[{ subnet: '10.244.1.0/24' }]], [{ dst: '0.0.0.0/0' }]],
    );
  });

  it('has a route to every other node’s pods and none to its own', () => {
    const routes = routeCommands(RANGES[1]!, RANGES)
      .map(({ argv }) => argv.join(' '))
      .filter((line) => line.startsWith('ip route'));
    assert.deepEqual(routes, [
      'ip route replace 10.244.0.0/24 via 172.18.0.2',
      'ip route replace 10.244.2.0/24 via 172.18.0.4',
    ]);
  });

  it('masquerades only what leaves the cluster’s pods', () => {
    const [rule] = routeCommands(RANGES[0]!, RANGES).filter(({ argv }) => argv[0] === 'iptables');
    assert.match(
      rule?.argv.join(' ') ?? '',
      /-s 10\.244\.0\.0\/24 ! -d 10\.244\.0\.0\/16 .*MASQUERADE$/,
    );
  });

  it('knows the names that kind gives its nodes', () => {
    assert.deepEqual(kindNodeNames('x', 4), [
      'x-control-plane',
      'x-worker',
      'x-worker2',
      'x-worker3',
    ]);
  });
});
