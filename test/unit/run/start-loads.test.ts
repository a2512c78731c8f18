/** What a load prints comes as lines of a pod's log, here from a fake agent. */
import assert from 'node:assert/strict';
import { CoalmineError } from '../../../harness/core/errors.ts';
import type { Plan } from '../../../harness/core/plan.ts';
import { Unwind } from '../../../harness/core/unwind.ts';
import { startLoads } from '../../../harness/run/start-loads.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { stageOf } from '../../support/stage.ts';

const LOAD: Plan['load'] = [{ name: 'dns-pairs', params: { rate: 5 }, id: 'pairs', from: 'all' }];
const READY = { ready: true, atWallMs: 1_010, load: 'dns' };
const ENDED = { ended: 'stopped', atWallMs: 1_500 };
const INTERVAL = {
  ...{ fromWallMs: 1_100, toWallMs: 1_200, sent: 2, ok: 1, timeouts: 1 },
  ...{ errors: {}, latenciesMs: [3, 50] },
};

/** Each tail that was started, by its file, with the hand that feeds it. */
function room(load = LOAD) {
  const tails: { file: string; print: (...lines: unknown[]) => void; killed: boolean }[] = [];
  const fake = stageOf(
    [new FakeNode('cp'), new FakeNode('w1')],
    { load },
    {
      agent: {
        wallToRunMs: (wallMs) => wallMs - 1_000,
        start: ({ argv }, onLine) => {
          const tail = {
            file: argv.at(-1) ?? '',
            killed: false,
            print: (...lines: unknown[]) => {
              for (const line of lines) {
                const text = typeof line === 'string' ? line : JSON.stringify(line);
                onLine(`2026-11-22T12:00:00.000000001Z stdout F ${text}`, 'stdout');
              }
            },
          };
          onLine('tail: cannot open it yet', 'stderr');
          tails.push(tail);
          return Promise.resolve({
            ended: Promise.resolve({ exitCode: 0, signal: null }),
            kill: () => {
              tail.killed = true;
              return Promise.resolve();
            },
          });
        },
      },
    },
  );
  return { ...fake, tails };
}

const refusal = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof CoalmineError && error.code === code && message.test(error.message);

describe('run/start-loads', () => {
  it('follows one pod on each node, is ready with the last of them, and ends with their last lines', async () => {
    const { stage, kube, events, tails } = room();
    const unwind = new Unwind();
    const loads = await startLoads(stage, unwind);
    assert.deepEqual(
      tails.map(({ file }) => file.replace(/_uid-\d+/, '_UID')),
      [1, 2].map((n) => `/var/log/pods/coalmine_load-pairs-${n}_UID/load/0.log`),
    );
    const [first, second] = tails;
    first?.print('some talk', READY, INTERVAL);
    second?.print(READY);
    await loads.ready();
    assert.deepEqual(
      events.map(({ kind, tMs, ...rest }) => `${kind} ${tMs} ${'node' in rest ? rest.node : ''}`),
      ['load-ready 10 cp', 'load 200 cp', 'load-ready 10 w1'],
    );
    kube.onChange = (verb, { metadata }) => {
      if (verb === 'delete') tails[metadata.name === 'load-pairs-1' ? 0 : 1]?.print(ENDED);
    };
    await loads.stop();
    assert.deepEqual(
      events.slice(3).map(({ kind }) => kind),
      ['load-ended', 'load-ended'],
    );
    assert.deepEqual([kube.objects.size, tails.every(({ killed }) => killed)], [0, true]);
    const before = kube.requests.length;
    assert.deepEqual(await unwind.run(), []);
    assert.equal(kube.requests.length, before);
  });

  it('gives every pod a name of its own, whatever the loads are called', async () => {
    const use = { name: 'dns-pairs', params: { rate: 5 } };
    const { stage, kube } = room([
      { ...use, id: 'a', from: 'all' },
      { ...use, id: 'a-1', from: 'worker' },
    ]);
    await startLoads(stage, new Unwind());
    assert.equal(kube.objects.size, 3);
  });

  it('does not wait for the last line of a load that never said anything', async () => {
    const { stage, kube, tails } = room();
    const loads = await startLoads(stage, new Unwind());
    tails[0]?.print(READY);
    kube.onChange = (verb) => {
      if (verb === 'delete') tails[0]?.print(ENDED);
    };
    await loads.stop();
    assert.ok(tails.every(({ killed }) => killed));
  });

  it('gives up at once on a load that ended before it was ready, and says what it said', async () => {
    const { stage, tails } = room();
    const loads = await startLoads(stage, new Unwind());
    tails[0]?.print(READY);
    tails[1]?.print('no such host', { ended: 'the name server refuses', atWallMs: 1_020 });
    await assert.rejects(
      loads.ready(),
      refusal('inject', /load pairs; pairs said: no such host \| ended: the name server refuses$/),
    );
  });

  it('stops waiting when the user interrupts', async () => {
    const { stage, stop } = room();
    const loads = await startLoads(stage, new Unwind());
    const reason = new Error('interrupted');
    stop.abort(reason);
    await assert.rejects(loads.ready(), (error) => error === reason);
  });

  it('takes back a pod whose log could not be followed', async () => {
    const { stage, kube, tails } = room();
    const broken = new Error('the agent is gone');
    const [managed] = stage.nodes;
    assert.ok(managed);
    const nodes = [
      { ...managed, agent: { ...managed.agent, start: () => Promise.reject(broken) } },
    ];
    const unwind = new Unwind();
    await assert.rejects(startLoads({ ...stage, nodes }, unwind), broken);
    assert.deepEqual(await unwind.run(), []);
    assert.deepEqual([kube.objects.size, tails.length], [0, 0]);
  });

  it('refuses a load that there is not, and one without a node', async () => {
    const missing = room([{ name: 'no-such', params: {}, id: 'a', from: 'all' }]).stage;
    await assert.rejects(startLoads(missing, new Unwind()), refusal('usage', /no-such/));
    const { stage } = room([{ name: 'dns-pairs', params: {}, id: 'a', from: 'worker' }]);
    const nodes = stage.nodes.slice(0, 1);
    await assert.rejects(
      startLoads({ ...stage, nodes }, new Unwind()),
      refusal('inject', /`worker`/),
    );
  });
});
