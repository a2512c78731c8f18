import assert from 'node:assert/strict';
import { stepOf } from '../../../../harness/providers/kind/create.ts';
import { withoutCriPrefix } from '../../../../harness/providers/kube-proxy-logs.ts';
import { filledImageName } from '../../../../harness/providers/kind/filled-image.ts';
import { kubeletImageName } from '../../../../harness/providers/kind/kubelet-image.ts';
import { criBaseSpec, nodeImageName } from '../../../../harness/providers/kind/node-image.ts';

describe('the node image', () => {
  const layer = (digest: string) => ({ name: 'l', version: '1', path: '', digest });
  const images = {
    node: { names: ['coalmine/node-base:v1.34.3-abc'], layers: [layer('1')] },
    preloaded: [{ names: ['a:1'], layers: [layer('2')] }],
  };

  it('is named after its version and everything in it', () => {
    const name = nodeImageName(images);
    assert.match(name, /^coalmine\/node:v1\.34\.3-[0-9a-f]{12}$/);
    assert.equal(nodeImageName(structuredClone(images)), name);
    const other = { ...images, preloaded: [{ names: ['a:1'], layers: [layer('3')] }] };
    assert.notEqual(nodeImageName(other), name);
    const renamed = { ...images, preloaded: [{ names: ['a:2'], layers: [layer('2')] }] };
    assert.notEqual(nodeImageName(renamed), name);
  });

  it('with another kubelet is named after that one and the image below', () => {
    const kubelet = { name: 'kubelet', version: '1.33.0', path: '', digest: 'd1' };
    const name = kubeletImageName('coalmine/node:a', kubelet);
    assert.match(name, /^coalmine\/node:kubelet-v1\.33\.0-[0-9a-f]{12}$/);
    assert.notEqual(kubeletImageName('coalmine/node:b', kubelet), name);
    assert.notEqual(kubeletImageName('coalmine/node:a', { ...kubelet, digest: 'd2' }), name);
  });

  it('with further images in it is named after those and the image below', () => {
    const [more] = images.preloaded;
    assert.ok(more !== undefined);
    const name = filledImageName('coalmine/node:a', [more]);
    assert.match(name, /^coalmine\/node:filled-[0-9a-f]{12}$/);
    assert.notEqual(filledImageName('coalmine/node:b', [more]), name);
    assert.notEqual(filledImageName('coalmine/node:a', [{ ...more, names: ['a:2'] }]), name);
    assert.notEqual(filledImageName('coalmine/node:a', [{ ...more, layers: [] }]), name);
    assert.notEqual(filledImageName('coalmine/node:a', [more, more]), name);
  });

  it('has pods see a made-up machine, without the builder’s limits', () => {
    const spec = JSON.stringify({ process: { cwd: '/', rlimits: [1] }, hooks: { prestart: [1] } });
    assert.deepEqual(JSON.parse(criBaseSpec(spec)), {
      process: { cwd: '/' },
      hooks: { prestart: [1], createContainer: [{ path: '/kind/bin/mount-product-files.sh' }] },
    });
  });
});

describe('kind’s progress', () => {
  it('is the steps that are done, without pictures', () => {
    assert.equal(stepOf(' ✓ Preparing nodes 📦 📦 '), 'Preparing nodes');
    assert.equal(stepOf(' • Preparing nodes 📦  ...'), undefined);
    assert.equal(stepOf('ERROR: failed to create cluster'), undefined);
  });
});

describe('containerd’s log lines', () => {
  it('lose what only containerd needs', () => {
    assert.equal(
      withoutCriPrefix('2026-11-22T13:11:04.97Z stderr F I1122 x "msg" stdout F y'),
      '2026-11-22T13:11:04.97Z I1122 x "msg" stdout F y',
    );
    assert.equal(withoutCriPrefix('no such prefix'), 'no such prefix');
  });
});
