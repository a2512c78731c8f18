/** The flood as it is: trafgen on one end of a link, and on the other a device that counts. */
import assert from 'node:assert/strict';
import { carryOut } from '../../../harness/core/carry-out.ts';
import { waitFor } from '../../../harness/core/deadline.ts';
import { flood } from '../../../harness/disrupt/faults/flood.ts';
import { startFlood, stopFloods } from '../../../harness/disrupt/faults/trafgen.ts';
import { onPath } from '../../../harness/exec/on-path.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { inLinkRoom, LINKED_NIC } from '../../support/link-room.ts';
import { localAgent } from '../../support/local-agent.ts';
import { skipOrFail } from '../../support/real.ts';

const LIMITS = { timeoutMs: 10_000 };

describe('flood', function () {
  this.timeout(60_000);

  it('reaches its rate, is felt, and leaves neither process nor file', async function () {
    if (process.getuid?.() !== 0) skipOrFail(this, 'network namespaces need root');
    if ((await onPath('trafgen')) === undefined) skipOrFail(this, 'trafgen is not installed');
    await inLinkRoom(async (executor) => {
      const wanted = flood.params.parse({ rate: 8_000, arrivedMin: 3_000 });
      const prepared = await flood.prepare(wanted, {
        node: { name: 'w1', role: 'worker', addresses: [], nics: [LINKED_NIC] },
        ...{ agent: localAgent(executor), controller: executor, kube: new FakeKube() },
        tag: `coalmine-flood-test-${process.pid}`,
      });
      const record = { id: 'f1', fault: 'flood', where: 'controller', ...prepared.undo };
      const undo = () =>
        carryOut({ ...record, undo: [...record.undo] }, executor, () => Promise.resolve());
      try {
        const before = await prepared.felt();
        assert.equal(before.felt, false, before.evidence);
        assert.ok(typeof prepared.inject !== 'function');
        for (const command of prepared.inject) {
          const { exitCode, stderr } = await executor.run(command, LIMITS);
          assert.equal(exitCode, 0, stderr);
        }
        // The first answer is about the time since it was prepared, in which little was sent.
        const what = 'the flood to be felt';
        await waitFor({ what, timeoutMs: 10_000 }, async () =>
          (await prepared.felt()).felt ? true : undefined,
        );
      } finally {
        assert.deepEqual(await undo(), { id: 'f1', verified: true, problems: [] });
      }
      const after = await prepared.felt();
      assert.equal(after.felt, false, after.evidence);
      assert.equal((await undo()).verified, true, 'a second undo is one too');
    });
  });

  it('says why trafgen would not run', async function () {
    if (process.getuid?.() !== 0) skipOrFail(this, 'raw sockets need root');
    if ((await onPath('trafgen')) === undefined) skipOrFail(this, 'trafgen is not installed');
    await inLinkRoom(async (executor) => {
      const nic = { ...LINKED_NIC, peer: { link: 'none', address: '172.31.16.1' } };
      const tag = `coalmine-flood-none-${process.pid}`;
      const one = { nic, packetsPerSecond: 100, flows: 1, limitSeconds: 5, tag };
      const { exitCode, stderr } = await executor.run(startFlood(one), LIMITS);
      await executor.run(stopFloods([one]), LIMITS);
      assert.equal(exitCode, 1);
      assert.match(stderr, /ended at once/);
    });
  });
});
