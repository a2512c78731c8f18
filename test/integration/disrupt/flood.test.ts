/** The flood as it is: trafgen on one end of a link, and on the other a device that counts. */
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { carryOut } from '../../../harness/core/carry-out.ts';
import { waitFor } from '../../../harness/core/deadline.ts';
import { flood } from '../../../harness/disrupt/faults/flood.ts';
import { startFlood, stopFloods } from '../../../harness/disrupt/faults/trafgen.ts';
import { startLocal } from '../../../harness/exec/local.ts';
import { onPath } from '../../../harness/exec/on-path.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { localAgent, localNode } from '../../support/local-agent.ts';
import { skipOrFail } from '../../support/real.ts';

const MAC = '52:54:00:c0:00:01';
const LIMITS = { timeoutMs: 10_000 };
const unused = { argv: ['true'] } as const;

describe('flood', function () {
  this.timeout(60_000);

  it('reaches its rate, is felt, and leaves neither process nor file', async function () {
    if (process.getuid?.() !== 0) skipOrFail(this, 'network namespaces need root');
    if ((await onPath('trafgen')) === undefined) skipOrFail(this, 'trafgen is not installed');
    await inOwnNamespaces(async (executor) => {
      const run = async (...argv: [string, ...string[]]) => {
        const done = await executor.run({ argv }, LIMITS);
        assert.equal(done.exitCode, 0, done.stderr);
      };
      await run('ip', 'link', 'add', 'out', 'type', 'veth', 'peer', 'name', 'in', 'address', MAC);
      for (const link of ['out', 'in']) await run('ip', 'link', 'set', link, 'up');
      const nic = {
        ...{ name: 'in', mac: MAC, address: '172.31.16.2/24' },
        peer: { link: 'out', address: '172.31.16.1' },
        ...{ detach: unused, attach: unused, verify: { command: unused, exitCode: 0 } },
      };
      const wanted = flood.params.parse({ rate: 8_000, arrivedMin: 3_000 });
      const prepared = await flood.prepare(wanted, {
        node: { name: 'w1', role: 'worker', addresses: [], nics: [nic] },
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
    await inOwnNamespaces(async (executor) => {
      const nic = { mac: MAC, address: '10.0.0.2/24', peer: { link: 'none', address: '10.0.0.1' } };
      const tag = `coalmine-flood-none-${process.pid}`;
      const one = { nic, packetsPerSecond: 100, flows: 1, limitSeconds: 5, tag };
      const { exitCode, stderr } = await executor.run(startFlood(one), LIMITS);
      await executor.run(stopFloods([one]), LIMITS);
      assert.equal(exitCode, 1);
      assert.match(stderr, /ended at once/);
    });
  });
});

/** Their own network devices, and a /sys that shows them. */
async function inOwnNamespaces(body: (executor: ReturnType<typeof localNode>) => Promise<void>) {
  const holder = startLocal({ argv: ['unshare', '--net', '--mount', 'sleep', '60'] });
  try {
    const own = readlinkSync('/proc/self/ns/mnt');
    await waitFor({ what: 'namespaces', timeoutMs: 5_000, everyMs: 10 }, () =>
      Promise.resolve(readlinkSync(`/proc/${holder.pid}/ns/mnt`) === own ? undefined : true),
    );
    const executor = localNode(['nsenter', `--target=${holder.pid}`, '--net', '--mount', '--']);
    const mounted = await executor.run(
      { argv: ['mount', '-t', 'sysfs', 'coalmine', '/sys'] },
      LIMITS,
    );
    assert.equal(mounted.exitCode, 0, mounted.stderr);
    await body(executor);
  } finally {
    holder.kill('SIGKILL');
    await holder.ended;
  }
}
