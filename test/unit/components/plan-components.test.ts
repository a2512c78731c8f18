import assert from 'node:assert/strict';
import { estimateSeconds } from '../../../harness/components/ensure-all.ts';
import { kindRunComponents, PINS } from '../../../harness/components/plan-components.ts';
import { progressLine, wholeSeconds } from '../../../harness/components/progress.ts';
import { findDebianMirror, transferSettings } from '../../../harness/components/sources/apt.ts';
import {
  parseMadison,
  upstreamVersion,
} from '../../../harness/components/sources/debian-packages.ts';
import { whyNotPortable } from '../../../harness/components/sources/process.ts';

describe('components of a kind run', () => {
  it('are each named once, with every version of kube-proxy and of the kubelets', () => {
    const refs = kindRunComponents({
      kubernetes: '1.34.3',
      kubelets: ['1.34.3', '1.34.4', '1.33.0', '1.34.4'],
      kubeProxy: ['1.34.4', '1.34.3', '1.34.4'],
      node: '20.20.2',
    });
    const names = refs.map(({ component, version }) => `${component} ${version}`);
    assert.deepEqual(
      names.filter((name) => name.startsWith('kube-proxy')),
      ['kube-proxy 1.34.3', 'kube-proxy 1.34.4'],
    );
    assert.deepEqual(
      names.filter((name) => name.startsWith('kubelet')),
      ['kubelet 1.34.3', 'kubelet 1.34.4', 'kubelet 1.33.0'],
    );
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes(`etcd ${PINS.etcd}`) && names.includes('agnhost 1.34.3'));
    assert.equal(names.length, 16);
  });

  it('cost one cold build for each module and version', () => {
    const proxy = { component: 'kube-proxy', version: '1.34.4' } as const;
    const kubelet = { component: 'kubelet', version: '1.34.3' } as const;
    const kubectl = { component: 'kubectl', version: '1.34.3' } as const;
    const node = { component: 'node', version: '20.20.2' } as const;
    assert.equal(estimateSeconds([kubelet, kubectl]), 210 + 25);
    assert.equal(estimateSeconds([kubelet, proxy]), 210 + 170);
    assert.equal(estimateSeconds([node]), 0);
  });
});

describe('progress', () => {
  it('says what, how long so far, about how long, and what else is known', () => {
    const progress = { what: 'kubelet 1.34.3: building', aboutSeconds: 200, say: () => undefined };
    assert.equal(
      progressLine({ ...progress, detail: () => '312 packages compiled' }, 80.4),
      'kubelet 1.34.3: building, 80s of about 3m20s; 312 packages compiled',
    );
    assert.equal(wholeSeconds(180), '3m');
  });
});

describe("Debian's packages", () => {
  it("have upstream's version inside their own", () => {
    assert.equal(upstreamVersion('0.33.0-1'), '0.33.0');
    assert.equal(upstreamVersion('1:0.27.0+dfsg-1+b2'), '0.27.0');
    assert.equal(upstreamVersion('3.4.23-4+b4'), '3.4.23');
    assert.notEqual(upstreamVersion('0.33.0~rc1-1'), '0.33.0');
  });

  it('are listed by madison, each with its suite', () => {
    const text =
      '      kind |   0.33.0-1 | http://mirror.example/debian sid/main amd64 Packages\n kind | 0.27.0-1+b2 | place trixie/main\n';
    assert.deepEqual(parseMadison(text), [
      { version: '0.33.0-1', suite: 'sid/main' },
      { version: '0.27.0-1+b2', suite: 'trixie/main' },
    ]);
    assert.deepEqual(parseMadison(''), []);
  });

  it('come from the mirror of the host, found before and after the first update', () => {
    const uri = 'http://mirror.example/debian/';
    assert.equal(findDebianMirror(`Debian|main|bookworm|${uri}`), uri);
    assert.equal(findDebianMirror(`$(ORIGIN)|main|bookworm|${uri}`), uri);
    assert.equal(findDebianMirror(`Debian|main|bookworm-security|${uri}`), undefined);
    assert.equal(findDebianMirror('Ubuntu|main|noble|http://mirror.example/ubuntu/'), undefined);
    assert.equal(findDebianMirror('Other|main|x|http://other.example/debian/'), undefined);
  });

  it("keep the host's proxy and drop its wish for more indexes", () => {
    const dump =
      'Acquire "";\nAcquire::http::Proxy "http://p.example:3128";\nAcquire::IndexTargets::deb::DEP-11 "";\nAcquire::Languages "de";\n';
    assert.equal(transferSettings(dump), 'Acquire::http::Proxy "http://p.example:3128";\n');
  });
});

describe("the controller's own Node.js", () => {
  const ref = { component: 'node', version: '20.20.2' } as const;
  const running = {
    platform: 'linux',
    versions: { node: '20.20.2' },
    config: { variables: { node_shared: false, node_shared_zlib: false } },
  };
  it('is taken where it carries all it needs', () => {
    assert.equal(whyNotPortable(ref, running), undefined);
  });

  it('is refused where the version differs or it needs shared libraries', () => {
    assert.match(whyNotPortable({ ...ref, version: '22.1.0' }, running) ?? '', /20\.20\.2/);
    const shared = { ...running, config: { variables: { node_shared_openssl: true } } };
    assert.match(whyNotPortable(ref, shared) ?? '', /node_shared_openssl/);
  });
});
