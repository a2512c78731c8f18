/** A cluster that goes on from a saved one: what it does, what time it has, and what happens when the files are damaged. */
import assert from 'node:assert/strict';
import { hasCode, messageOf } from '../../../harness/core/errors.ts';
import { onPath } from '../../../harness/exec/on-path.ts';
import { demandQemu } from '../../../harness/providers/vm/accel.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';
import { runMachineRoom } from '../../support/run-machine-room.ts';
import type { SnapshotReport } from '../../support/snapshot-room.ts';

describe('a saved cluster', function () {
  let report: SnapshotReport;

  before(async function () {
    if (!isRoot() || (await onPath('unshare')) === undefined)
      skipOrFail(this, 'needs root and unshare');
    await demandQemu().catch((error: unknown) => skipOrFail(this, messageOf(error)));
    try {
      report = (await runMachineRoom('snapshot-room.ts')) as SnapshotReport;
    } catch (error) {
      if (hasCode(error, 'component')) skipOrFail(this, error.message);
      throw error;
    }
  });

  it('is the cluster that it was: each kind of thing that a node does, it does', () => {
    const [first, second] = report.said;
    assert.ok(first?.some((line) => line.startsWith('the cluster was saved in ')));
    assert.ok(second?.some((line) => line.startsWith('worker-1 goes on from a saved cluster')));
    assert.deepEqual(report.served, [true, true, true, true, true, true]);
    assert.equal(report.heartbeats, 2);
  });

  it('has a control plane that goes on, and starts where that cannot be', () => {
    const [, second = [], third = []] = report.said;
    assert.ok(second.some((line) => line.startsWith('the control plane goes on after ')));
    assert.ok(
      third.some((line) => /^the saved control plane does not go on, and is started: /.test(line)),
    );
    assert.ok(third.some((line) => line.startsWith('the control plane is ready after ')));
  });

  it('has certificates of its own, by which its kubelet answers', () => {
    assert.equal(new Set(report.clientCerts).size, 6);
    assert.equal(new Set(report.serverCerts.map(({ has }) => has)).size, 6);
    for (const { has, answersBy } of report.serverCerts) assert.equal(answersBy, has);
  });

  it('has the right time, also for a reboot', () => {
    assert.ok(report.clockErrorMs < 1_000, `${report.clockErrorMs} ms`);
    assert.ok(report.rtcErrorSeconds < 3, `${report.rtcErrorSeconds} s`);
  });

  it('has a journal that can be read', () => {
    assert.match(report.newestJournalLine, / worker-1 /);
  });

  it('lets its NIC be taken out and put back', () => {
    assert.deepEqual(report.nic, [0, 0, 0]);
  });

  it('keeps its keys for its owner', () => {
    assert.deepEqual(report.files, [
      'control-plane.images',
      'control-plane.tar',
      'manifest.json',
      'verified.json',
      'worker-1.devices',
      'worker-1.memory',
      'worker-1.overlay',
    ]);
    assert.equal(report.folderMode, '700');
  });

  it('is made anew when a file was cut or changed, and when its machine does not come up', () => {
    const why = report.said.map((lines) =>
      lines.filter((line) => line.includes('cannot be used')).join(),
    );
    assert.deepEqual(why.slice(0, 3), ['', '', '']);
    assert.match(why[3] ?? '', /made anew: worker-1\.memory has \d+ bytes instead of \d+$/);
    assert.match(why[4] ?? '', /made anew: QEMU of worker-1 /);
    assert.match(why[5] ?? '', /made anew: worker-1\.memory has the sha256 [0-9a-f]{64} instead/);
    const saved = report.said.map((lines) => lines.some((line) => /was saved/.test(line)));
    assert.deepEqual(saved, [true, false, false, true, true, true]);
  });
});
