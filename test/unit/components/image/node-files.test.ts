import assert from 'node:assert/strict';
import { hasCode } from '../../../../harness/core/errors.ts';
import { parseImageNames } from '../../../../harness/components/image/kubeadm-images.ts';
import { kindNodeEntries } from '../../../../harness/components/image/node-files.ts';
import { mmdebstrapArgv } from '../../../../harness/components/image/rootfs.ts';

const FILES = [
  { path: 'LICENSES/README.txt', text: 'x' },
  { path: 'etc/containerd/config.toml', text: 'a = 1\n  sandbox_image = "old/pause:3.10"\n' },
  {
    path: 'etc/systemd/system/containerd.service',
    text: 'ExecStart=/usr/local/bin/containerd\n',
  },
  { path: 'kind/bin/mount-product-files.sh', text: '#!' },
  { path: 'usr/local/bin/entrypoint', text: '#!' },
];

describe('the files of a kind node', () => {
  const entries = kindNodeEntries(FILES, 'mirror.test/pause:3.10.1');
  const textOf = (to: string): string | undefined => {
    const entry = entries.find((one) => one.to === to);
    return entry !== undefined && 'text' in entry ? entry.text : undefined;
  };
  const modeOf = (to: string): number | undefined => {
    const entry = entries.find((one) => one.to === to);
    return entry !== undefined && 'mode' in entry ? entry.mode : undefined;
  };

  it('name the sandbox image that kubeadm expects, and Debian’s containerd', () => {
    assert.match(
      textOf('/etc/containerd/config.toml') ?? '',
      /^ {2}sandbox_image = "mirror\.test\/pause:3\.10\.1"$/m,
    );
    assert.equal(
      textOf('/etc/systemd/system/containerd.service'),
      'ExecStart=/usr/bin/containerd\n',
    );
  });

  it('make scripts executable and nothing else', () => {
    assert.equal(modeOf('/usr/local/bin/entrypoint'), 0o755);
    assert.equal(modeOf('/kind/bin/mount-product-files.sh'), 0o755);
    assert.equal(modeOf('/etc/containerd/config.toml'), 0o644);
  });

  it('enable what kind enables, in a folder that was emptied first', () => {
    const wants = '/etc/systemd/system/multi-user.target.wants';
    const links = entries.flatMap((one) => ('link' in one ? [one.to] : []));
    for (const unit of ['containerd', 'kubelet', 'undo-mount-hacks'])
      assert.ok(links.includes(`${wants}/${unit}.service`));
    assert.ok(entries.some((one) => one.to === wants && 'emptied' in one));
  });
});

describe('kubeadm’s image names', () => {
  const LISTED = [
    'r.test/kube-apiserver:v1.34.3',
    'r.test/kube-controller-manager:v1.34.3',
    'r.test/kube-scheduler:v1.34.3',
    'r.test/kube-proxy:v1.34.3',
    'r.test/coredns/coredns:v1.12.1',
    'r.test/pause:3.10.1',
    'r.test/etcd:3.6.5-0',
  ];

  it('are found by their last word', () => {
    const names = parseImageNames(`${LISTED.join('\n')}\n`);
    assert.equal(names.coredns, 'r.test/coredns/coredns:v1.12.1');
    assert.equal(names.etcd, 'r.test/etcd:3.6.5-0');
  });

  it('are all there, or it is an error that names the missing one', () => {
    assert.throws(
      () => parseImageNames(LISTED.slice(0, -1).join('\n')),
      (error) => hasCode(error, 'component') && error.message.includes('no image etcd'),
    );
  });
});

describe('mmdebstrap’s arguments', () => {
  it('end with suite, file and, where one is known, the mirror', () => {
    const argv = mmdebstrapArgv('pod', 'trixie', '/x.tar', 'http://m.test/debian');
    assert.deepEqual(argv.slice(-3), ['trixie', '/x.tar', 'http://m.test/debian']);
    assert.deepEqual(mmdebstrapArgv('pod', 'trixie', '/x.tar', undefined).slice(-2), [
      'trixie',
      '/x.tar',
    ]);
  });
});
