import assert from 'node:assert/strict';
import type { MachineSpec } from '../../../../harness/providers/vm/machine.ts';
import { snapshotInputs, snapshotKey } from '../../../../harness/providers/vm/snapshot-key.ts';

const SPEC: MachineSpec = {
  ...{ name: 'worker-1', index: 0, runId: 'r1', folder: '/tmp/r1/w1' },
  ...{ cpus: 2, memoryMiB: 1_024, testNics: 1, queues: 2 },
  image: {
    ...{ kernel: '/c/vmlinuz', initrd: '/c/initrd', rootDisk: '/c/root', toolsDisk: '/c/tools' },
    ...{ digest: 'd', cmdline: ['quiet'] },
  },
};
const BY = { accel: 'tcg', qemu: '10.0.2' } as const;
const keyOf = (change: Partial<MachineSpec>, by: Parameters<typeof snapshotInputs>[1] = BY) =>
  snapshotKey(snapshotInputs({ ...SPEC, ...change }, by));

describe('vm/snapshot-key', () => {
  it('is the same for every machine of one kind, whoever it is and wherever its files lie', () => {
    const image = { ...SPEC.image, rootDisk: '/elsewhere/root', kernel: '/elsewhere/vmlinuz' };
    for (const change of [{ name: 'worker-2' }, { index: 1 }, { runId: 'r2' }, { folder: '/f' }])
      assert.equal(keyOf(change), keyOf({}));
    assert.equal(keyOf({ image }), keyOf({}));
  });

  it('is another one for what cannot be continued', () => {
    const keys = [
      keyOf({}),
      ...[{ cpus: 4 }, { memoryMiB: 2_048 }, { testNics: 2 }, { queues: 4 }].map((change) =>
        keyOf(change),
      ),
      keyOf({ image: { ...SPEC.image, digest: 'e' } }),
      keyOf({}, { ...BY, qemu: '10.1.0' }),
      keyOf({}, { ...BY, accel: 'kvm' }),
    ];
    assert.equal(new Set(keys).size, keys.length);
  });
});
