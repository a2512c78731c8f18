import assert from 'node:assert/strict';
import { hasCode } from '../../../../harness/core/errors.ts';
import type { MachineSpec } from '../../../../harness/providers/vm/machine.ts';
import type { MachineMemory } from '../../../../harness/providers/vm/machine-memory.ts';
import {
  machineFiles,
  macOf,
  parseQemuVersion,
  qemuArgv,
  qemuRefusal,
  testNicDevice,
} from '../../../../harness/providers/vm/qemu.ts';

const SPEC: MachineSpec = {
  name: 'coalmine-r1-w1',
  index: 1,
  runId: 'r1',
  folder: '/tmp/r1/w1',
  cpus: 2,
  memoryMiB: 1_024,
  testNics: 2,
  queues: 4,
  image: {
    ...{ kernel: '/c/vmlinuz', initrd: '/c/initrd', rootDisk: '/c/root', toolsDisk: '/c/tools' },
    ...{ digest: 'd', cmdline: ['console=ttyS0', 'quiet'] },
  },
};
/** The values that follow each `flag`. */
const valuesOf = (argv: readonly string[], flag: string): string[] =>
  argv.flatMap((word, at) => (word === flag ? (argv[at + 1] ?? []) : []));

describe('vm/qemu', () => {
  it('gives each test NIC a root port, a tap and a vector for each queue', () => {
    const argv = qemuArgv(SPEC, 'tcg');
    const nics = valuesOf(argv, '-device').filter((one) => one.startsWith('virtio-net-pci'));
    assert.deepEqual(nics, [
      'virtio-net-pci,netdev=net0,id=nic0,mac=52:54:00:c0:01:00,romfile=',
      'virtio-net-pci,id=nic1,netdev=net1,bus=rp1,mac=52:54:00:c0:01:01,romfile=,mq=on,vectors=10',
      'virtio-net-pci,id=nic2,netdev=net2,bus=rp2,mac=52:54:00:c0:01:02,romfile=,mq=on,vectors=10',
    ]);
    assert.deepEqual(valuesOf(argv, '-netdev'), [
      'tap,id=net0,ifname=cm1,script=no,downscript=no,vhost=off',
      'tap,id=net1,ifname=cm1n0,script=no,downscript=no,vhost=off,queues=4',
      'tap,id=net2,ifname=cm1n1,script=no,downscript=no,vhost=off,queues=4',
    ]);
    const ports = valuesOf(argv, '-device').filter((one) => one.startsWith('pcie-root-port'));
    assert.deepEqual(ports, [
      'pcie-root-port,id=rp1,chassis=1,slot=1',
      'pcie-root-port,id=rp2,chassis=2,slot=2',
    ]);
  });

  it('keeps its memory in a file, goes on with a copy of its own, or does neither', () => {
    const objects = (memory?: MachineMemory) =>
      valuesOf(qemuArgv(SPEC, 'tcg', memory), '-object').join();
    assert.equal(objects(), '');
    assert.equal(
      objects({ file: '/m/a,b', as: 'kept' }),
      'memory-backend-file,id=ram,size=1024M,mem-path=/m/a,,b,share=on',
    );
    // What the guest writes must not reach the file, which others go on from.
    assert.match(objects({ file: '/m', as: 'continued' }), /,share=off,readonly=on,rom=off$/);
  });

  it('asks for no queues where there is one', () => {
    const argv = qemuArgv({ ...SPEC, queues: 1 }, 'tcg');
    assert.ok(!argv.some((word) => /queues=|mq=on/.test(word)));
  });

  it('adds a NIC again with the properties that it had', () => {
    const argv = qemuArgv(SPEC, 'tcg');
    const { driver, ...properties } = testNicDevice(SPEC, 1);
    const words = Object.entries(properties).map(([key, value]) => `${key}=${String(value)}`);
    assert.ok(argv.includes([driver, ...words].join(',').replace('mq=true', 'mq=on')));
  });

  it('tells the kernel the machine’s own name and id', () => {
    const wordsOf = (spec: MachineSpec) => valuesOf(qemuArgv(spec, 'tcg'), '-append')[0] ?? '';
    const one = wordsOf(SPEC);
    assert.match(
      one,
      /^console=ttyS0 quiet systemd\.hostname=coalmine-r1-w1 systemd\.machine_id=[0-9a-f]{32}$/,
    );
    assert.equal(one, wordsOf(SPEC));
    for (const other of [{ name: 'coalmine-r1-w2' }, { runId: 'r2' }])
      assert.notEqual(
        one.split('=').at(-1),
        wordsOf({ ...SPEC, ...other })
          .split('=')
          .at(-1),
      );
  });

  it('writes to the overlay alone', () => {
    const disks = valuesOf(qemuArgv(SPEC, 'tcg'), '-blockdev').map(
      (text) => JSON.parse(text) as { 'read-only': boolean; file: { filename: string } },
    );
    assert.deepEqual(
      disks.map((disk) => [disk.file.filename, disk['read-only']]),
      [
        ['/tmp/r1/w1/root.qcow2', false],
        ['/c/tools', true],
      ],
    );
  });

  it('uses the processor of this machine only with KVM', () => {
    assert.deepEqual(valuesOf(qemuArgv(SPEC, 'kvm'), '-cpu'), ['host']);
    assert.deepEqual(valuesOf(qemuArgv(SPEC, 'tcg'), '-accel'), ['tcg,thread=multi']);
  });

  it('doubles commas in paths, and refuses a path that no socket can have', () => {
    const argv = qemuArgv({ ...SPEC, folder: '/tmp/a,b' }, 'tcg');
    assert.deepEqual(valuesOf(argv, '-serial'), ['file:/tmp/a,,b/console.log']);
    assert.throws(
      () => machineFiles({ name: 'w1', folder: `/tmp/${'x'.repeat(100)}` }),
      (error) => hasCode(error, 'preflight'),
    );
  });

  it('makes an address of every NIC', () => {
    assert.equal(macOf(9, 10), '52:54:00:c0:09:0a');
  });
});

describe('vm/qemu version', () => {
  it('reads what distributions print, and nothing else', () => {
    assert.deepEqual(
      parseQemuVersion('QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2+deb13u1~bpo12+1)\n'),
      { text: '10.0.2', major: 10 },
    );
    assert.deepEqual(parseQemuVersion('QEMU emulator version 9.2'), { text: '9.2', major: 9 });
    assert.equal(parseQemuVersion('command not found'), undefined);
  });

  it('refuses the one that panics newer guests, and says so', () => {
    assert.match(qemuRefusal({ text: '7.2.15', major: 7 }) ?? '', /7\.2\.15 is too old.*6\.12/);
    assert.equal(qemuRefusal({ text: '10.0.0', major: 10 }), undefined);
  });
});
