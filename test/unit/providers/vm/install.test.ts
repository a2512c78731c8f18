import assert from 'node:assert/strict';
import { codenameOf, qemuRelease } from '../../../../harness/providers/vm/install.ts';

const line = (version: string, suite: string): string =>
  `qemu-system-x86 | ${version} | http://mirror.example/debian ${suite}/main amd64 Packages`;
const OLD = line('1:7.2+dfsg-7+deb12u18+b3', 'bookworm');
const BACKPORT = line('1:10.0.2+ds-2+deb13u1~bpo12+1', 'bookworm-backports');

describe('the suite of QEMU', () => {
  it("is the machine's own where that is new enough", () => {
    assert.equal(qemuRelease(line('1:10.0.2+ds-2', 'trixie'), 'trixie-backports'), 'own');
    assert.equal(qemuRelease(`${OLD}\n${line('1:11.0.0-1', 'sid')}`, 'bookworm-backports'), 'own');
  });

  it('is backports where only those are, and must be added where they are unknown', () => {
    assert.equal(qemuRelease(`${BACKPORT}\n${OLD}`, 'bookworm-backports'), 'backports');
    assert.equal(qemuRelease(OLD, 'bookworm-backports'), 'none');
    assert.equal(qemuRelease('', 'bookworm-backports'), 'none');
  });

  it('is named after the code name of the distribution', () => {
    assert.equal(codenameOf('ID=debian\nVERSION_CODENAME=bookworm\n'), 'bookworm');
  });
});
