/** One boot of a real machine: what it answers, how its freezes are felt, and what is left when it dies. */
import assert from 'node:assert/strict';
import { hasCode, messageOf } from '../../../harness/core/errors.ts';
import { onPath } from '../../../harness/exec/on-path.ts';
import { faultWasFelt } from '../../../harness/judge/checkers/fault-was-felt.ts';
import { demandQemu, findAccel, runProbe } from '../../../harness/providers/vm/accel.ts';
import { planOf } from '../../support/history.ts';
import { judgeWith } from '../../support/judge-with.ts';
import { phaseOf, ROOM_FAULTS, type MachineReport } from '../../support/machine-room.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';
import { runMachineRoom } from '../../support/run-machine-room.ts';

describe('a machine', function () {
  let report: MachineReport;

  before(async function () {
    if (!isRoot() || (await onPath('unshare')) === undefined)
      skipOrFail(this, 'needs root and unshare');
    await demandQemu().catch((error: unknown) => skipOrFail(this, messageOf(error)));
    try {
      report = (await runMachineRoom('machine-room.ts')) as MachineReport;
    } catch (error) {
      if (hasCode(error, 'component')) skipOrFail(this, error.message);
      throw error;
    }
  });

  it('has room for the next agent when the host of one goes away in the middle of a word', () => {
    assert.equal(report.noRoom, '');
  });

  it('answers on both ports', () => {
    assert.deepEqual(report.greetings, ['agent', 'hand']);
  });

  /** How closely depends on how busy this machine is, so that is the checker's business and not ours. */
  it('shows a stall as a gap and a suspend as a clock that is behind, no shorter than asked', () => {
    const close = report.events.filter((event) => event.kind === 'agent-gap' && event.tickMs === 5);
    assert.ok(close.some((event) => event.kind === 'agent-gap' && event.gapMs >= 1_990));
    const jump = report.events.find((event) => event.kind === 'clock-jump');
    assert.ok(jump?.kind === 'clock-jump' && jump.jumpMs + jump.errorMs >= 1_990);
  });

  it('tells by its kernel, too, how long it stood still', () => {
    const told = report.events.filter((event) => event.kind === 'standstill');
    assert.equal(told.length, 1);
    assert.ok(told.every(({ ms, errorMs }) => ms + errorMs >= 1_990));
    const traced = report.events.filter(
      (event) => event.kind === 'fault' && event.fault === 'trace-timers',
    );
    assert.deepEqual(
      traced.map((event) => event.kind === 'fault' && event.state),
      ['armed', 'injected', 'undone'],
    );
  });

  it('proves to the checker that each fault took effect', () => {
    const phases = ROOM_FAULTS.map((fault) => ({ name: phaseOf(fault), forMs: 30_000, fault }));
    const plan = planOf({ phases });
    const history = { plan, events: report.events, samples: [], logs: new Map<string, string>() };
    const finding = judgeWith(faultWasFelt, history);
    // The trace of the kernel is put in force as they are.
    assert.equal(finding.evidence['felt'], ROOM_FAULTS.length + 1, finding.details.join('\n'));
    assert.doesNotMatch(finding.summary, /missed no tick|never stood still|never happened/);
  });

  it('has the right time after a suspend', () => {
    assert.ok(report.clockErrorMs < 1_000, `${report.clockErrorMs} ms`);
  });

  it('gets its NIC back as another device, with its address', () => {
    const index = (line: string): string => line.split(':')[0] ?? '';
    assert.match(report.nicAfter, /inet 172\.31\.16\.2\/24/);
    assert.notEqual(index(report.nicAfter), index(report.nicBefore));
  });

  it('is frozen and freed by the commands of a journal', () => {
    assert.deepEqual(report.byCommand, { suspend: [0, 1, 0, 0], stall: [0, 1, 0, 0] });
  });

  it('says how it ended and what its console said last, and leaves nothing', () => {
    assert.match(report.died, /^QEMU of worker-1 ended by itself \(SIGKILL\)[^]*console/);
    assert.equal(report.afterDeath.port, report.died);
    // There is nothing left to undo, and nothing that could be disturbed.
    assert.deepEqual(report.afterDeath.verify, [0, 0, 0]);
    assert.equal(report.afterDeath.disturb, 1);
    assert.deepEqual(report.linksLeft, ['lo']);
  });
});

describe('an accelerator', function () {
  before(async function () {
    await demandQemu().catch((error: unknown) => skipOrFail(this, messageOf(error)));
  });

  it('is TCG where the device cannot be opened, or is none', async () => {
    assert.equal((await findAccel({}, '/dev/none')).kind, 'tcg');
  });

  it('is tried by a guest that runs wherever QEMU does', async () => {
    assert.equal(await runProbe('tcg', undefined), undefined);
  });
});
