/** A machine that goes on from a saved one: who it is, what time it has, and what happens when the files are damaged. */
import assert from 'node:assert/strict';
import { hasCode, messageOf } from '../../../harness/core/errors.ts';
import { onPath } from '../../../harness/exec/on-path.ts';
import { demandQemu } from '../../../harness/providers/vm/accel.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';
import { runMachineRoom } from '../../support/run-machine-room.ts';
import type { SnapshotReport } from '../../support/snapshot-room.ts';

describe('a saved machine', function () {
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

  it('becomes another machine: its name, its id, its NICs', () => {
    assert.equal(report.before.hostName, 'worker-1');
    assert.equal(report.after.hostName, 'worker-2');
    assert.deepEqual(report.before.macs, ['52:54:00:c0:00:00', '52:54:00:c0:00:01']);
    assert.deepEqual(report.after.macs, ['52:54:00:c0:01:00', '52:54:00:c0:01:01']);
    assert.match(report.after.machineId, /^[0-9a-f]{32}$/);
    assert.notEqual(report.after.machineId, report.before.machineId);
  });

  it('is heard on the bridge under its own address', () => {
    assert.match(report.neighbour, /lladdr 52:54:00:c0:01:00/);
  });

  it('has the right time, also for a reboot', () => {
    assert.ok(report.clockErrorMs < 1_000, `${report.clockErrorMs} ms`);
    assert.ok(report.rtcErrorSeconds < 3, `${report.rtcErrorSeconds} s`);
  });

  it('has a journal that can be read, under its new name', () => {
    assert.match(report.newestJournalLine, / worker-2 /);
  });

  it('lets its NIC be taken out and put back', () => {
    assert.deepEqual(report.nic, [0, 0, 0]);
  });

  it('is not gone on from when it was cut in half, and saved anew', () => {
    assert.deepEqual(report.found, [false, true, false, false, true]);
    assert.ok(
      report.said.some((line) =>
        /cannot be used, and is made anew: memory has \d+ bytes instead of \d+/.test(line),
      ),
    );
  });

  it('never runs when one byte is not what it was, and is removed', () => {
    assert.match(report.changedByte, /^memory has the sha256 /);
    assert.equal(report.kept, 0);
  });
});
