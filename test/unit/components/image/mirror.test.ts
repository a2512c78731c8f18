import assert from 'node:assert/strict';
import { mirrorOf } from '../../../../harness/components/image/mirror.ts';

const ONE_LINE = {
  file: '/etc/apt/sources.list',
  text: [
    '# deb http://commented.test/debian bookworm main',
    'deb https://packages.test/apt cloud-sdk-bookworm main',
    'deb [arch=amd64 signed-by=/k.gpg] http://one.test/debian trixie main contrib # note',
    'deb http://security.test/debian-security bookworm-security main',
  ].join('\n'),
};

const DEB822 = {
  file: '/etc/apt/sources.list.d/debian.sources',
  text: `Types: deb deb-src
# a comment inside
URIs: http://two.test/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://off.test/debian
Suites: sid
Components: main
Enabled: no
`,
};

describe('the machine’s Debian mirror', () => {
  it('is the archive that carries the suite', () => {
    assert.equal(mirrorOf([ONE_LINE, DEB822], 'bookworm'), 'http://two.test/debian');
    assert.equal(mirrorOf([ONE_LINE, DEB822], 'trixie'), 'http://one.test/debian');
  });

  it('is another suite’s archive where none carries it: mirrors have all suites', () => {
    assert.equal(mirrorOf([DEB822], 'bullseye'), 'http://two.test/debian');
  });

  it('is never a disabled, commented, third-party or security archive', () => {
    assert.equal(mirrorOf([ONE_LINE], 'bookworm'), 'http://one.test/debian');
    assert.equal(mirrorOf([DEB822], 'sid'), 'http://two.test/debian');
    assert.equal(
      mirrorOf([{ file: 'a.list', text: 'deb http://u.test/ubuntu noble main' }], 'sid'),
      undefined,
    );
    assert.equal(mirrorOf([], 'bookworm'), undefined);
  });
});
