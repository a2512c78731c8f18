/** Real rules and real counters, in a network namespace of the test's own. */
import assert from 'node:assert/strict';
import type { Executor } from '../../../harness/core/command.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import { countedBy, dropPackets } from '../../../harness/disrupt/faults/drop-packets.ts';
import { recover } from '../../../harness/disrupt/recover.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { inNetworkNamespace, localAgent } from '../../support/local-agent.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';
import { inTemporaryFolder, startWorld, type World } from '../../unit/disrupt/planted-fault.ts';

const NEVER = new AbortController().signal;
const COUNT = 137;

describe('disrupt/faults/drop-packets in a real network namespace', () => {
  before(function () {
    if (!isRoot()) skipOrFail(this, 'a network namespace needs root');
  });

  it('makes the kernel count exactly the planted number, and removes its rule alone', () =>
    withWorld(async ({ faults }, executor) => {
      const foreign = ['OUTPUT', '-p', 'udp', '--dport', '19', '-j', 'DROP'];
      await run(executor, ['iptables', '-w', '5', '-A', ...foreign]);
      const before = await outDiscards(executor);
      const agent = localAgent(executor);
      const started = await faults.start(dropPackets, plan(), { node: INFO, agent }, NEVER);
      assert.equal(started.felt, true, started.evidence);
      assert.match(started.evidence, /dropped 137 packets/);
      assert.equal((await outDiscards(executor)) - before, COUNT);
      assert.equal(countedBy(await rules(executor), 'coalmine-r1-f1'), COUNT);
      assert.equal(await faults.undo('f1'), undefined);
      const after = await rules(executor);
      assert.ok(!after.includes('coalmine'), after);
      assert.ok(after.includes('--dport 19 -j DROP'), after);
      assert.equal((await outDiscards(executor)) - before, COUNT);
    }));

  it('is undone by a later process that has only the journal', () =>
    withWorld(async ({ faults, journal }, executor) => {
      const agent = localAgent(executor);
      await faults.start(dropPackets, plan(), { node: INFO, agent }, NEVER);
      const door = { executor, writeFile: () => Promise.reject(new Error('restores no file')) };
      const first = await recover(journal.path, () => Promise.resolve(door));
      assert.deepEqual([first.undone, first.unconfirmed], [['f1'], []]);
      assert.ok(!(await rules(executor)).includes('coalmine'));
      assert.deepEqual((await recover(journal.path, () => Promise.resolve(door))).undone, []);
    }));

  it('is an error where the packets are not dropped: a fault that touched nothing', () =>
    withWorld(async ({ faults }, executor) => {
      const accept = ['OUTPUT', '-o', 'lo', '-p', 'udp', '-j', 'ACCEPT'];
      const agent = localAgent(executor);
      const overruled = {
        ...agent,
        run: async (...[command, options]: Parameters<typeof agent.run>) => {
          const done = await agent.run(command, options);
          if (command.argv.includes('-I')) await run(executor, ['iptables', '-I', ...accept]);
          return done;
        },
      };
      await assert.rejects(
        faults.start(dropPackets, plan(), { node: INFO, agent: overruled }, NEVER),
        (error) => hasCode(error, 'inject') && error.message.includes('0 of 137 packets'),
      );
      assert.ok(!(await rules(executor)).includes('coalmine'));
    }));
});

const INFO = { name: 'w1', role: 'worker', addresses: [] } as const;

function plan(): ReturnType<typeof dropPackets.params.parse> {
  return dropPackets.params.parse({ node: 'canary', count: COUNT });
}

async function withWorld(body: (world: World, executor: Executor) => Promise<void>): Promise<void> {
  await inNetworkNamespace((executor) =>
    inTemporaryFolder((folder) =>
      body(startWorld(folder, new FakeNode('controller'), []), executor),
    ),
  );
}

async function run(executor: Executor, argv: [string, ...string[]]): Promise<string> {
  const { exitCode, stdout, stderr } = await executor.run({ argv }, { timeoutMs: 10_000 });
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

function rules(executor: Executor): Promise<string> {
  return run(executor, ['iptables-save', '-c', '-t', 'filter']);
}

/** `Ip: … OutDiscards …` of /proc/net/snmp, a line of names and a line of numbers. */
async function outDiscards(executor: Executor): Promise<number> {
  const text = await run(executor, ['cat', '/proc/net/snmp']);
  const [names = [], numbers = []] = text
    .split('\n')
    .filter((line) => line.startsWith('Ip: '))
    .map((line) => line.split(' '));
  return Number(numbers[names.indexOf('OutDiscards')]);
}
