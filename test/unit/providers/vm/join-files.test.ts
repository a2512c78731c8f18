import assert from 'node:assert/strict';
import { parse } from 'yaml';
import {
  joinFiles,
  kubeletConfig,
  networkBatch,
  type Joining,
} from '../../../../harness/providers/vm/join-files.ts';

const JOINING: Joining = {
  nodes: ['worker-1', 'worker-2', 'worker-3'],
  index: 1,
  testNics: 2,
  identity: { kubeconfig: 'names', clientPem: 'a key' },
  ca: 'an authority',
};

function file(name: string, joining = JOINING): { content: string; mode: number } {
  const found = joinFiles(joining).find(({ path }) => path === name);
  assert.ok(found, name);
  return found;
}

describe('the files of a node that joins', () => {
  it('give it its name and the addresses of its number', () => {
    assert.equal(file('/etc/hostname').content, 'worker-2\n');
    assert.match(file('/etc/hosts').content, /^172\.31\.0\.11 worker-2$/m);
    assert.deepEqual(networkBatch(JOINING).trim().split('\n'), [
      'link set lo up',
      'link set eth0 up',
      'address replace 172.31.0.11/24 dev eth0',
      'route replace default via 172.31.0.1',
      'link set eth1 up',
      'address replace 172.31.32.2/24 dev eth1',
      'link set eth2 up',
      'address replace 172.31.33.2/24 dev eth2',
      'route replace 10.244.1.0/24 via 172.31.0.10',
      'route replace 10.244.3.0/24 via 172.31.0.12',
    ]);
  });

  it('masquerade what leaves the cluster, in words that systemd takes', () => {
    const unit = file('/etc/systemd/system/coalmine-network.service').content;
    assert.match(
      unit,
      /^ExecStart=\/usr\/sbin\/iptables .* -s 10\.244\.2\.0\/24 ! -d 10\.244\.0\.0\/16 .*"coalmine egress" -j MASQUERADE$/m,
    );
    assert.match(unit, /^Before=containerd\.service kubelet\.service$/m);
  });

  it('keep the node’s keys to root', () => {
    assert.deepEqual(
      joinFiles(JOINING)
        .filter(({ mode }) => mode !== 0o644)
        .map(({ path, mode }) => [path, mode]),
      [['/etc/kubernetes/pki/kubelet-client.pem', 0o600]],
    );
  });

  it('start the kubelet with its name, its address and systemd’s cgroups', () => {
    const words = file('/etc/default/kubelet').content;
    assert.match(words, /--hostname-override=worker-2 --node-ip=172\.31\.0\.11"/);
    const config = parse(kubeletConfig()) as Record<string, unknown>;
    assert.equal(config['cgroupDriver'], 'systemd');
    assert.deepEqual(config['clusterDNS'], ['10.96.0.10']);
    assert.equal(config['readOnlyPort'], 10_255);
  });

  it('have pods’ own range for the plugins', () => {
    assert.match(file('/etc/cni/net.d/10-coalmine.conflist').content, /"10\.244\.2\.0\/24"/);
  });
});
