import assert from 'node:assert/strict';
import { irqbalanceDropIns } from '../../../../harness/components/image/irqbalance-unit.ts';
import type { LayerEntry } from '../../../../harness/components/image/layer.ts';
import { vmEntries } from '../../../../harness/components/image/vm-files.ts';

const artifact = (name: string) => ({ name, version: '1', path: `/x/${name}`, digest: 'd' });
const entries = vmEntries(
  { onPort: artifact('on-port'), kubelet: artifact('kubelet') },
  'registry.example/pause:3.10',
);

function entryAt(to: string): LayerEntry {
  const found = entries.filter((entry) => entry.to === to);
  assert.equal(found.length, 1, `${to} is there ${found.length} times`);
  return found[0] as LayerEntry;
}

function textAt(to: string): string {
  const entry = entryAt(to);
  assert.ok('text' in entry, `${to} is no text`);
  return entry.text;
}

describe('files of a machine', () => {
  it('have one place each', () => {
    const places = entries.map(({ to }) => to);
    assert.equal(new Set(places).size, places.length);
  });

  it('start an agent on both of its ports, before anything else', () => {
    const unit = textAt('/etc/systemd/system/coalmine-agent@.service');
    assert.match(unit, /^ExecStart=\S+ coalmine\.%i \/coalmine\/node \/coalmine\/agent\.mjs$/m);
    assert.match(unit, /^Restart=always$/m);
    assert.match(unit, /^DefaultDependencies=no$/m);
    for (const port of ['agent', 'hand'])
      assert.deepEqual(
        entryAt(`/etc/systemd/system/sysinit.target.wants/coalmine-agent@${port}.service`),
        {
          to: `/etc/systemd/system/sysinit.target.wants/coalmine-agent@${port}.service`,
          link: '/etc/systemd/system/coalmine-agent@.service',
        },
      );
  });

  it('have a kubelet that nothing starts, and a containerd with the sandbox image that is there', () => {
    textAt('/etc/systemd/system/kubelet.service');
    assert.ok(!entries.some(({ to }) => /wants\/kubelet/.test(to)));
    const config = textAt('/etc/containerd/config.toml');
    assert.match(config, /sandbox_image = "registry\.example\/pause:3\.10"/);
    assert.match(config, /SystemdCgroup = true/);
  });

  it('take modules and irqbalance from the tools disk', () => {
    const link = (to: string): string => {
      const entry = entryAt(to);
      return 'link' in entry ? entry.link : '';
    };
    assert.equal(link('/usr/lib/modules'), '/coalmine/modules');
    assert.equal(
      link('/etc/systemd/system/irqbalance.service'),
      '/coalmine/irqbalance/irqbalance.service',
    );
  });
});

describe('the drop-in of irqbalance', () => {
  const dropIn = irqbalanceDropIns('1.9.2-1')['50-coalmine.conf'] ?? '';

  it('replaces how it is started and nothing of its hardening', () => {
    const settings = dropIn.split('\n').filter((line) => /^\w+=/.test(line));
    const names = new Set(settings.map((line) => line.replace(/=.*/, '')));
    assert.deepEqual([...names], ['Environment', 'EnvironmentFile', 'ExecStart']);
    assert.match(
      dropIn,
      /^ExecStart=\nExecStart=\S+\/ld-linux-x86-64\.so\.2 --preload \S+ --library-path \S+ \S+\/sbin\/irqbalance --foreground --debug --interval /m,
    );
  });

  it('has an interval that a file on the node can change', () => {
    const file = dropIn.indexOf('EnvironmentFile=');
    assert.ok(dropIn.indexOf('Environment=COALMINE_IRQBALANCE_INTERVAL=5') < file);
  });

  it('puts the fault of 1.9.4-1 back only where the version says so', () => {
    const texts = (version: string): string => Object.values(irqbalanceDropIns(version)).join();
    assert.match(texts('1.9.4-1+deb13u1-readonly'), /^ProtectKernelTunables=yes$/m);
    assert.doesNotMatch(texts('1.9.4-1+deb13u1'), /ProtectKernelTunables/);
  });
});
