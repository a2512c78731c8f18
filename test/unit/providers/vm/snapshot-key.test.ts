import assert from 'node:assert/strict';
import {
  snapshotInputs,
  snapshotKey,
  type SnapshotSpec,
} from '../../../../harness/providers/vm/snapshot-key.ts';

const MACHINE: SnapshotSpec['machine'] = {
  ...{ cpus: 2, memoryMiB: 1_024, testNics: 1, queues: 2 },
  image: {
    ...{ kernel: '/c/vmlinuz', initrd: '/c/initrd', rootDisk: '/c/root', toolsDisk: '/c/tools' },
    ...{ digest: 'd', cmdline: ['quiet'] },
  },
};
const SPEC: SnapshotSpec = {
  machine: MACHINE,
  ...{ nodes: ['worker-1'], kubernetes: '1.34.3', proxyMode: 'ipvs' },
  ...{ kubeProxyImage: 'kube-proxy:v1.34.3', programDigests: ['etcd', 'kube-apiserver'] },
  workload: '[]',
};
const keyOf = (change: Partial<SnapshotSpec>, qemu = '10.0.2') =>
  snapshotKey(snapshotInputs({ ...SPEC, ...change }, qemu));
const machine = (change: Partial<SnapshotSpec['machine']>) =>
  keyOf({ machine: { ...MACHINE, ...change } });

describe('vm/snapshot-key', () => {
  it('is the same wherever the files lie', () => {
    const image = { ...MACHINE.image, rootDisk: '/elsewhere/root', kernel: '/elsewhere/vmlinuz' };
    assert.equal(machine({ image }), keyOf({}));
  });

  it('is another one for what cannot be gone on with', () => {
    const keys = [
      keyOf({}),
      ...[{ cpus: 4 }, { memoryMiB: 2_048 }, { testNics: 2 }, { queues: 4 }].map(machine),
      machine({ image: { ...MACHINE.image, digest: 'e' } }),
      keyOf({}, '10.1.0'),
      keyOf({ nodes: ['worker-1', 'worker-2'] }),
      keyOf({ kubernetes: '1.34.4' }),
      keyOf({ proxyMode: 'iptables' }),
      keyOf({ kubeProxyImage: 'kube-proxy:v1.34.4' }),
      keyOf({ workload: '[{}]' }),
      keyOf({ programDigests: ['etcd', 'another kube-apiserver'] }),
    ];
    assert.equal(new Set(keys).size, keys.length);
  });
});
