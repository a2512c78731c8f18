/** Faults that a node's agent does not outlive: what they switch, and what they take for a proof. */
import assert from 'node:assert/strict';
import { hasCode } from '../../../harness/core/errors.ts';
import type { EventOf, HistoryEvent } from '../../../harness/core/history.ts';
import type { Boot, MachinePower, RestartBy } from '../../../harness/core/node.ts';
import type { Fault, FaultParams } from '../../../harness/disrupt/faults/fault.ts';
import { powerOff } from '../../../harness/disrupt/faults/power-off.ts';
import { reboot } from '../../../harness/disrupt/faults/reboot.ts';
import type { FaultyNode } from '../../../harness/disrupt/in-force.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { argv, inTemporaryFolder, plantedFault, PARAMS, startWorld } from './planted-fault.ts';

const POWER: MachinePower = {
  reset: argv('put', 'reset'),
  off: argv('put', 'off'),
  on: argv('take', 'off'),
  verify: { command: argv('has', 'off'), exitCode: 1 },
};
const BEFORE: Boot = { id: 'a', atMs: 0, errorMs: 1 };
const never = new AbortController().signal;

/** A node whose clock is right and that reboots when it is told to. */
function machine(after: Promise<Boot> = Promise.resolve({ id: 'b', atMs: 90, errorMs: 1 })) {
  const node = new FakeNode('w1');
  node.programs.set('systemctl', () => '');
  node.programs.set('date', () => '');
  const whys: string[] = [];
  const restartBy: RestartBy = async (why, deed) => {
    whys.push(why);
    await deed();
    return { before: BEFORE, after };
  };
  const on: FaultyNode = {
    node: { ...node.info, power: POWER },
    agent: node.agent,
    restartBy,
  };
  return { node, on, whys };
}

async function runIt<P extends FaultParams>(
  fault: Fault<P>,
  params: Record<string, unknown>,
  { on, node }: ReturnType<typeof machine>,
): Promise<{ events: HistoryEvent[]; controller: FakeNode }> {
  const controller = new FakeNode('controller');
  return inTemporaryFolder(async (folder) => {
    const { faults, events } = startWorld(folder, controller, [node]);
    const started = await faults.start(fault, fault.params.parse(params), on, never);
    assert.equal(started.felt, false, 'nobody can say before the node is back');
    await started.over;
    await faults.undo(started.id);
    return { events, controller };
  });
}

const isFelt = (event: HistoryEvent): event is EventOf<'felt'> => event.kind === 'felt';
const statesOf = (events: readonly HistoryEvent[]): string[] =>
  events.flatMap((event) => (event.kind === 'fault' ? [event.state] : []));

describe('disrupt/faults/reboot', () => {
  it('tells the node, and is over when its kernel is another boot', async () => {
    const one = machine();
    const { events, controller } = await runIt(reboot, {}, one);
    assert.ok(one.node.argvs.includes('systemctl --no-block reboot'));
    assert.deepEqual(one.whys, ['the fault reboot (graceful)']);
    assert.deepEqual(statesOf(events), ['armed', 'injected', 'undone']);
    assert.deepEqual(
      events.find((event) => event.kind === 'fault' && event.state === 'injected'),
      { ...events[1], shows: { as: 'new-boot', forMs: 0 } },
    );
    const felt = events.filter(isFelt);
    assert.deepEqual([felt.length, felt[0]?.felt], [1, true]);
    assert.match(felt[0]?.evidence ?? '', /w1 is boot b, begun 90ms after boot a/);
    assert.equal(controller.words.has('reset'), false);
  });

  it('moves the clock that the new kernel begins with, until it is right', async () => {
    const one = machine();
    one.node.behindMs = 1_100;
    one.node.programs.set('date', () => {
      one.node.behindMs = 0;
      return '';
    });
    await runIt(reboot, {}, one);
    assert.ok(one.node.argvs.includes('date --utc --set=1.100 seconds'));
  });

  it('presses the button where it is to', async () => {
    const one = machine();
    const { controller } = await runIt(reboot, { how: 'reset' }, one);
    assert.ok(controller.words.has('reset'));
    assert.ok(!one.node.argvs.some((line) => line.startsWith('systemctl')));
  });

  it('is not felt where the boot is the same', async () => {
    const same = machine(Promise.resolve({ ...BEFORE, atMs: 90 }));
    const { events } = await runIt(reboot, {}, same);
    assert.deepEqual(
      events.filter(isFelt).map(({ felt }) => felt),
      [false],
    );
  });

  it('is not felt, and leaves nothing to undo, where the machine is gone', async () => {
    const gone = machine(Promise.reject(new Error('QEMU is gone')));
    const { events } = await runIt(reboot, {}, gone);
    assert.match(events.find(isFelt)?.evidence ?? '', /QEMU is gone/);
    assert.equal(statesOf(events).at(-1), 'undone');
  });

  it('waits for nothing where the node would not be told', async () => {
    const deaf = machine();
    deaf.node.programs.set('systemctl', () => 1);
    await assert.rejects(runIt(reboot, {}, deaf), /systemctl --no-block reboot.* ended with 1/);
  });

  it('believes the boot that follows where the shutdown ended the command itself', async () => {
    const quick = machine();
    quick.node.programs.set('systemctl', () => null);
    const { events } = await runIt(reboot, {}, quick);
    assert.equal(events.find(isFelt)?.felt, true);
  });

  it('refuses a node that is no machine, or whose agent would stay lost', async () => {
    const { on } = machine();
    const { node, agent } = on;
    const container = new FakeNode('w1').info;
    for (const other of [
      { node, agent },
      { ...on, node: container },
    ])
      await assert.rejects(runIt(reboot, {}, { ...machine(), on: other }), (error) =>
        hasCode(error, 'inject'),
      );
  });
});

describe('disrupt/faults/power-off', () => {
  it('is off for as long as asked, then on again', async () => {
    const one = machine();
    const { events, controller } = await runIt(powerOff, { for: '30ms' }, one);
    assert.deepEqual(
      controller.argvs.filter((line) => /^(put|take) off/.test(line)),
      ['put off', 'take off'],
    );
    assert.deepEqual(statesOf(events), ['armed', 'injected', 'undone']);
    assert.equal(events.find(isFelt)?.felt, true);
  });

  it('takes a node’s own faults with it: their undo is confirmed past an agent that forgot them', async () => {
    const { node, on } = machine();
    await inTemporaryFolder(async (folder) => {
      const { faults, events } = startWorld(folder, new FakeNode('controller'), [node]);
      const planted = await faults.start(plantedFault(), { ...PARAMS, word: 'x' }, on, never);
      node.words.clear();
      node.held.clear();
      await faults.undo(planted.id);
      assert.equal(statesOf(events).at(-1), 'undone');
    });
  });
});
