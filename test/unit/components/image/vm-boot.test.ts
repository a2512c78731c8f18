import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { cpioArchive } from '../../../../harness/components/image/cpio.ts';
import { initScript } from '../../../../harness/components/image/initrd.ts';
import { moduleOrder } from '../../../../harness/components/image/module-order.ts';
import { local } from '../../../../harness/exec/local.ts';
import { runOrThrow } from '../../../../harness/exec/run-or-throw.ts';

describe('modules of the first root', () => {
  const dependencies = [
    'kernel/drivers/block/virtio_blk.ko.xz: kernel/drivers/virtio/virtio.ko.xz',
    'kernel/drivers/virtio/virtio.ko.xz:',
    'kernel/drivers/net/virtio-net.ko: kernel/net/net_failover.ko kernel/net/failover.ko',
  ].join('\n');
  const builtin = 'kernel/fs/ext4/ext4.ko\n';

  it('are loaded after what they need, each once, and not where the kernel has them', () => {
    assert.deepEqual(
      moduleOrder(['ext4', 'virtio_blk', 'virtio_net', 'virtio'], dependencies, builtin),
      [
        'kernel/drivers/virtio/virtio.ko.xz',
        'kernel/drivers/block/virtio_blk.ko.xz',
        'kernel/net/failover.ko',
        'kernel/net/net_failover.ko',
        'kernel/drivers/net/virtio-net.ko',
      ],
    );
  });

  it('are an error where the kernel does not have them at all', () => {
    assert.throws(() => moduleOrder(['xfs'], dependencies, builtin), /no module xfs/);
  });
});

describe('init of the first root', () => {
  it('is a script that a shell can read, and loads the modules in their order', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'coalmine-test-'));
    try {
      const script = initScript(['virtio.ko', 'virtio_blk.ko']);
      await writeFile(path.join(folder, 'init'), script);
      const argv = ['sh', '-n', path.join(folder, 'init')] as const;
      await runOrThrow(local, { argv }, { timeoutMs: 10_000 });
      assert.match(script, /insmod \/modules\/virtio\.ko\ninsmod \/modules\/virtio_blk\.ko\n/);
      assert.match(script, /exec \/bin\/busybox switch_root \/root \/sbin\/init\n$/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('a cpio archive', () => {
  it('is what cpio reads: magic, names, sizes, every part on a multiple of four', () => {
    const archive = Buffer.from(
      cpioArchive([
        { path: 'bin', folder: true },
        { path: 'bin/a', mode: 0o755, content: Buffer.from('hello') },
        { path: 'dev/console', device: [5, 1] },
      ]),
    );
    assert.equal(archive.length % 4, 0);
    const records = readCpio(archive);
    assert.deepEqual(records, [
      { path: 'bin', mode: '40755', content: '' },
      { path: 'bin/a', mode: '100755', content: 'hello' },
      { path: 'dev/console', mode: '20600', content: '' },
      { path: 'TRAILER!!!', mode: '0', content: '' },
    ]);
  });

  function readCpio(archive: Buffer): { path: string; mode: string; content: string }[] {
    const records = [];
    let at = 0;
    while (at < archive.length) {
      assert.equal(archive.toString('ascii', at, at + 6), '070701');
      const field = (index: number): number =>
        Number.parseInt(archive.toString('ascii', at + 6 + 8 * index, at + 14 + 8 * index), 16);
      const nameEnd = at + 110 + field(11);
      const contentAt = Math.ceil(nameEnd / 4) * 4;
      records.push({
        path: archive.toString('utf8', at + 110, nameEnd - 1),
        mode: field(1).toString(8),
        content: archive.toString('utf8', contentAt, contentAt + field(6)),
      });
      at = Math.ceil((contentAt + field(6)) / 4) * 4;
    }
    return records;
  }
});
