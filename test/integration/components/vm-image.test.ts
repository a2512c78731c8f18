import assert from 'node:assert/strict';
import { open, readFile, stat } from 'node:fs/promises';
import { k6ScriptsFolder } from '../../../harness/components/bundle.ts';
import { makeVmImage, type VmImage } from '../../../harness/components/image/vm-image.ts';
import { PINS } from '../../../harness/components/plan-components.ts';
import { createStore } from '../../../harness/components/store.ts';
import { local } from '../../../harness/exec/local.ts';
import { runOrThrow } from '../../../harness/exec/run-or-throw.ts';
import { skipOrFail } from '../../support/real.ts';

const KUBERNETES = '1.34.3';

/** Made from the store as a run does, and looked into without mounting anything. */
describe('the image of a machine', function () {
  this.timeout(900_000);
  let image: VmImage;

  before(async function () {
    if (process.getuid?.() !== 0) skipOrFail(this, 'this is not root');
    for (const argv of [
      ['depmod', '-V'],
      ['mmdebstrap', '--version'],
      ['debugfs', '-V'],
    ] as const)
      await runOrThrow(local, { argv }, { timeoutMs: 10_000 }).catch(() =>
        skipOrFail(this, `there is no ${argv[0]}`),
      );
    image = await make('6.1', '1.9.2-1');
  });

  function make(kernel: string, irqbalance: string): Promise<VmImage> {
    const store = createStore();
    const context = { say: () => undefined, signal: new AbortController().signal };
    return makeVmImage(
      { store, goFolder: store.cache.go, context },
      {
        ...PINS,
        kubernetes: KUBERNETES,
        agnhost: KUBERNETES,
        kernel,
        irqbalance,
        kubeProxy: { all: [KUBERNETES], suite: 'bookworm' },
      },
      [{ from: k6ScriptsFolder(), to: 'k6' }],
    );
  }

  /** Reads a disk as debugfs does: `stat /etc/fstab`. */
  function ask(disk: string, request: string): Promise<string> {
    return runOrThrow(local, { argv: ['debugfs', '-R', request, disk] }, { timeoutMs: 60_000 });
  }

  it('has a kernel that a PC can boot, and an initrd', async () => {
    const file = await open(image.kernel);
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0x202);
    await file.close();
    assert.equal(buffer.toString('latin1'), 'HdrS');
    assert.equal((await readFile(image.initrd)).toString('ascii', 0, 6), '070701');
  });

  it('has a root disk with our units, whose owner is root, and with the kubelet', async () => {
    const unit = await ask(image.rootDisk, 'cat /etc/systemd/system/coalmine-agent@.service');
    assert.match(unit, /on-port coalmine\.%i \/coalmine\/node/);
    const kubelet = await ask(image.rootDisk, 'stat /usr/bin/kubelet');
    assert.match(kubelet, /Type: regular\s+Mode:\s+0755/);
    assert.match(kubelet, /User:\s+0\s+Group:\s+0/);
    assert.match(await ask(image.rootDisk, 'stat /usr/lib/modules'), /Type: symlink/);
  });

  it('holds unpacked images in its containerd, and no way to see how they came there', async () => {
    const state = '/var/lib/containerd';
    const database = await ask(
      image.rootDisk,
      `stat ${state}/io.containerd.metadata.v1.bolt/meta.db`,
    );
    assert.match(database, /Type: regular/);
    const snapshots = await ask(
      image.rootDisk,
      `ls -p ${state}/io.containerd.snapshotter.v1.overlayfs/snapshots`,
    );
    const unpacked = snapshots.split('\n').filter((line) => /^\/\d+\/0?40/.test(line));
    // `.` and `..` are listed too; pause, CoreDNS, kube-proxy's two layers and the load image's own one.
    assert.ok(unpacked.length - 2 >= 5, snapshots);
    assert.doesNotMatch(await ask(image.rootDisk, 'ls -p /'), /images\.tar|import\.toml/);
  });

  it('has a tools disk with modules as depmod left them, and irqbalance with its own loader', async () => {
    const release = (await ask(image.toolsDisk, 'ls -p /modules')).match(/\/(6\.1\.[^/]+)\//)?.[1];
    assert.ok(release !== undefined);
    assert.match(await ask(image.toolsDisk, `stat /modules/${release}/modules.dep.bin`), /regular/);
    assert.match(await ask(image.toolsDisk, 'stat /node'), /Mode:\s+0755/);
    const drop = await ask(
      image.toolsDisk,
      'cat /irqbalance/irqbalance.service.d/50-coalmine.conf',
    );
    const loader = /^ExecStart=\/coalmine(\/\S+)/m.exec(drop)?.[1] ?? '';
    assert.match(await ask(image.toolsDisk, `stat ${loader}`), /Mode:\s+0755/);
  });

  it('shares its root disk with every kernel and irqbalance', async () => {
    const other = await make('6.1', '1.7.0-1');
    assert.equal(other.rootDisk, image.rootDisk);
    assert.notEqual(other.toolsDisk, image.toolsDisk);
    assert.notEqual(other.digest, image.digest);
    assert.ok((await stat(other.toolsDisk)).size > 0);
  });

  it('of a kernel that no suite has names those that there are', async () => {
    await assert.rejects(
      make('4.19', '1.9.2-1'),
      /no Debian suite .* kernel 4\.19 .*there are .*6\.1/,
    );
  });
});
