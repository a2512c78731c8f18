import assert from 'node:assert/strict';
import { parseVersion } from '../../../harness/components/recipes/version.ts';
import { chooseKernel } from '../../../harness/components/sources/debian-kernel.ts';
import {
  chooseVersion,
  parseDepends,
} from '../../../harness/components/sources/debian-packages.ts';
import { hasCode } from '../../../harness/core/errors.ts';

const KERNELS = [
  { version: '7.2.13-1', suite: 'sid/main' },
  { version: '6.12.107-1', suite: 'trixie/main' },
  { version: '6.1.176-1', suite: 'bookworm/main' },
  { version: '5.10.223-1', suite: 'bullseye/main' },
];

describe('a Debian kernel', () => {
  it('is known by its series, and 6.1 is not 6.12', () => {
    assert.equal(chooseKernel('6.1', KERNELS).version, '6.1.176-1');
    assert.equal(chooseKernel('6.12', KERNELS).suite, 'trixie/main');
  });

  it('that no suite has is an error that names those that there are, in their order', () => {
    assert.throws(
      () => chooseKernel('4.19', KERNELS),
      (error) =>
        hasCode(error, 'component') &&
        /4\.19.*there are 5\.10, 6\.1, 6\.12, 7\.2$/.test(error.message),
    );
  });
});

describe("Debian's packages", () => {
  it('depend on names, the first of each choice', () => {
    const shown =
      'Package: a\nDepends: dracut | initramfs-tools (>= 0.120), libc6 (>= 2.7), perl:any\nSize: 1\n';
    assert.deepEqual(parseDepends(shown), ['dracut', 'libc6', 'perl']);
    assert.deepEqual(parseDepends('Package: a\n'), []);
  });

  it('are chosen exactly, or the error names what there is', () => {
    const packaged = [{ version: '1.9.2-1', suite: 'bookworm/main' }];
    assert.equal(
      chooseVersion('irqbalance', packaged, (one) => one === '1.9.2-1').suite,
      'bookworm/main',
    );
    assert.throws(
      () => chooseVersion('irqbalance', packaged, (one) => one === '1.9.4-1'),
      /package irqbalance is there as 1\.9\.2-1 only/,
    );
  });
});

describe('versions of components', () => {
  it('have the form that their source knows them by', () => {
    assert.equal(parseVersion('kernel', '6.1').text, '6.1');
    for (const version of [
      '1.9.4-1+deb13u1',
      '1.9.4-1+deb13u1-readonly',
      '1.9.4-1-without-2a66a66',
    ])
      assert.equal(parseVersion('irqbalance', version).text, version);
    assert.equal(parseVersion('kubelet', 'v1.34.3').text, '1.34.3');
  });

  it('of another form are refused', () => {
    assert.throws(() => parseVersion('kernel', '6.1.176'), /not a series of kernels/);
    assert.throws(() => parseVersion('irqbalance', '1.9.2'), /not a version of the Debian package/);
    assert.throws(() => parseVersion('kubelet', '1.34'), /not a full version/);
  });
});
