/** Real processes, which the test starts, and their state in /proc. */
import assert from 'node:assert/strict';
import { waitFor } from '../../../harness/core/deadline.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import {
  continueProcesses,
  countStopped,
  findProcesses,
  stopProcesses,
} from '../../../harness/disrupt/faults/processes.ts';
import { stopProcess } from '../../../harness/disrupt/faults/stop-process.ts';
import { recover } from '../../../harness/disrupt/recover.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { isStopped, withProcesses } from '../../support/named-processes.ts';
import { localAgent, localNode } from '../../support/local-agent.ts';
import { inTemporaryFolder, startWorld } from '../../unit/disrupt/planted-fault.ts';

const NEVER = new AbortController().signal;
const INFO = { name: 'w1', role: 'worker', addresses: [] } as const;
const executor = localNode();
const agent = localAgent(executor);

/** A name that no other process has, and that is longer than the 15 bytes that the kernel keeps. */
const UNIT = `mine-${process.pid}-canary-bird`;

describe('disrupt/faults/stop-process on real processes', () => {
  it('stops every process of that name and no other, and continues them', () =>
    withProcesses([UNIT, UNIT, `${UNIT}-2`], async ([one, two, other], folder) => {
      const { faults } = startWorld(folder, new FakeNode('controller'), []);
      const params = stopProcess.params.parse({ unit: UNIT, for: '10s' });
      const started = await faults.start(stopProcess, params, { node: INFO, agent }, NEVER);
      assert.equal(started.felt, true, started.evidence);
      assert.match(started.evidence, /^2 of 2 /);
      assert.deepEqual([one, two, other].map(isStopped), [true, true, false]);
      assert.deepEqual(await faults.undoAll(), []);
      assert.deepEqual([one, two, other].map(isStopped), [false, false, false]);
    }));

  it('is undone by a later process that has only the journal', () =>
    withProcesses([UNIT], async ([one], folder) => {
      const { faults, journal } = startWorld(folder, new FakeNode('controller'), []);
      const params = stopProcess.params.parse({ unit: UNIT, for: '10s' });
      await faults.start(stopProcess, params, { node: INFO, agent }, NEVER);
      assert.ok(isStopped(one));
      const door = { executor, writeFile: () => Promise.reject(new Error('restores no file')) };
      const found = await recover(journal.path, () => Promise.resolve(door));
      assert.deepEqual([found.undone, found.unconfirmed], [['f1'], []]);
      assert.ok(!isStopped(one));
    }));

  it('is confirmed undone where the process was killed while it was stopped', () =>
    withProcesses([UNIT], async ([one], folder) => {
      const { faults } = startWorld(folder, new FakeNode('controller'), []);
      const params = stopProcess.params.parse({ unit: UNIT, for: '10s' });
      await faults.start(stopProcess, params, { node: INFO, agent }, NEVER);
      one!.kill('SIGKILL');
      await one!.ended;
      assert.deepEqual(await faults.undoAll(), []);
    }));

  it('never signals a process that only has the pid', () =>
    withProcesses([UNIT], async ([one]) => {
      const [found] = await findProcesses(executor, UNIT);
      assert.equal(found?.pid, one!.pid);
      const reused = [{ ...found, start: String(Number(found.start) - 1) }];
      const stopped = await executor.run(stopProcesses(reused), { timeoutMs: 10_000 });
      assert.equal(stopped.exitCode, 1);
      assert.ok(!isStopped(one));
      one!.kill('SIGSTOP');
      await waitFor({ what: 'SIGSTOP', timeoutMs: 5_000, everyMs: 5 }, () =>
        Promise.resolve(isStopped(one) ? true : undefined),
      );
      const continued = await executor.run(continueProcesses(reused), { timeoutMs: 10_000 });
      assert.equal(continued.exitCode, 0);
      assert.ok(isStopped(one), 'somebody else stopped it: not ours to continue');
      const count = await executor.run(countStopped(reused), { timeoutMs: 10_000 });
      assert.equal(count.stdout.trim(), '0');
    }));

  it('refuses to stop what does not run', async () => {
    await inTemporaryFolder(async (folder) => {
      const { faults } = startWorld(folder, new FakeNode('controller'), []);
      const params = stopProcess.params.parse({ unit: UNIT, for: '10s' });
      await assert.rejects(
        faults.start(stopProcess, params, { node: INFO, agent }, NEVER),
        (error) => hasCode(error, 'inject'),
      );
    });
  });
});
