/** Phases with real faults on fake nodes: the freeze is a word that the controller puts and takes. */
import assert from 'node:assert/strict';
import { hasCode } from '../../../harness/core/errors.ts';
import type { MachineFreeze } from '../../../harness/core/node.ts';
import type { PlannedPhase } from '../../../harness/core/plan.ts';
import { runPhases } from '../../../harness/run/phase.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { stageOf } from '../../support/stage.ts';
import { argv, inTemporaryFolder, startWorld } from '../disrupt/planted-fault.ts';

const freezeOf = (node: string): MachineFreeze => ({
  stops: 'processes',
  shows: 'agent-gap',
  inject: argv('put', node),
  undo: argv('take', node),
  verify: { command: argv('has', node), exitCode: 1 },
});

const frozen = (name: string, forMs: number, node: string, fault: string): PlannedPhase => ({
  name,
  forMs,
  fault: { name: 'freeze', params: { node, for: fault } },
});

/** `words` of the controller are the frozen nodes. */
async function inRoom(
  phases: PlannedPhase[],
  body: (room: ReturnType<typeof roomOf>) => Promise<void>,
): Promise<void> {
  await inTemporaryFolder((folder) => body(roomOf(folder, phases)));
}

function roomOf(folder: string, phases: PlannedPhase[]) {
  const fakes = ['cp', 'w1', 'w2'].map((name) => new FakeNode(name));
  const controller = new FakeNode('controller');
  const fake = stageOf(fakes, { phases });
  const nodes = fake.stage.nodes.map(({ node, agent }) => ({
    node: { ...node, freezes: { pause: freezeOf(node.name) } },
    agent,
  }));
  const stage = { ...fake.stage, nodes };
  const { faults } = startWorld(folder, controller, fakes, undefined, {
    emit: stage.emit.at,
    clock: stage.clock,
    kube: stage.cluster.kube,
  });
  const story = () =>
    fake.events.flatMap((event) => {
      if (event.kind === 'phase') return `${event.phase} ${event.state}`;
      return event.kind === 'fault' ? `${event.id} ${event.node} ${event.state}` : [];
    });
  return { ...fake, stage, faults, controller, story, run: () => runPhases(stage, faults) };
}

describe('run/phase', () => {
  it('undoes a fault at its own `for`, within a phase that goes on', () =>
    inRoom([frozen('short', 80, 'canary', '10ms'), { name: 'after', forMs: 1 }], async (room) => {
      const { controller, events, story, run } = room;
      let phaseEnded = false;
      controller.onStep = (step) => {
        if (step.startsWith('take')) phaseEnded = story().includes('short ended');
      };
      await run();
      assert.deepEqual(story(), [
        'short started',
        'f1 w1 armed',
        'f1 w1 injected',
        'f1 w1 undone',
        'short ended',
        'after started',
        'after ended',
      ]);
      assert.deepEqual([controller.words.size, phaseEnded], [0, false]);
      assert.deepEqual(
        events.flatMap((event) => (event.kind === 'felt' ? event.felt : [])),
        [true],
      );
    }));

  it('has a fault under which another comes: it is there first, and goes last', () =>
    inRoom(
      [
        {
          ...frozen('p', 1, 'canary', '10ms'),
          under: { name: 'freeze', params: { node: 'control-plane', for: '60ms' } },
        },
      ],
      async ({ run, story }) => {
        await run();
        assert.deepEqual(story(), [
          'p started',
          ...['f1 cp armed', 'f1 cp injected', 'f2 w1 armed', 'f2 w1 injected'],
          ...['f2 w1 undone', 'f1 cp undone', 'p ended'],
        ]);
      },
    ));

  it('makes a phase last as long as its fault', () =>
    inRoom([frozen('p', 1, 'canary', '30ms')], async ({ run, story, controller }) => {
      await run();
      assert.equal(story().at(-1), 'p ended');
      assert.equal(story().at(-2), 'f1 w1 undone');
      assert.equal(controller.argvs.filter((one) => one === 'take w1').length, 1);
    }));

  it('undoes at the end of the phase where the fault has no length of its own', () =>
    inRoom([], async ({ stage, faults, kube, story, controller }) => {
      controller.programs.set('true', () => 0);
      kube.put({ ...POD, metadata: { ...POD.metadata, name: 'echo-1' } });
      kube.onChange = (verb) => {
        if (verb === 'delete') kube.put({ ...POD, metadata: { ...POD.metadata, name: 'echo-2' } });
      };
      const kill = { name: 'kill-pod', params: {} };
      const plan = { ...stage.plan, phases: [{ name: 'p', forMs: 1, fault: kill }] };
      await runPhases({ ...stage, plan }, faults);
      assert.deepEqual(story().slice(-2), ['f1 w1 undone', 'p ended']);
    }));

  it('hits every node of the selector and takes the fault back from each, the last first', () =>
    inRoom([frozen('p', 1, 'worker', '10ms')], async ({ run, controller, said }) => {
      await run();
      const steps = controller.argvs.filter((one) => !one.startsWith('has'));
      assert.deepEqual(steps.slice(0, 2).sort(), ['put w1', 'put w2']);
      const nodeOf = (step = '') => step.split(' ')[1];
      assert.deepEqual(steps.slice(2).map(nodeOf), steps.slice(0, 2).map(nodeOf).reverse());
      assert.equal(said.filter((line) => line.startsWith('freeze on w')).length, 2);
    }));

  it('takes back what was put on one node where the other one failed', () =>
    inRoom([frozen('p', 60_000, 'worker', '60s')], async ({ run, controller, story }) => {
      controller.onStep = (step) => {
        if (step === 'put w2') throw new Error('the engine is away');
      };
      await assert.rejects(run(), (error) => hasCode(error, 'inject'));
      assert.equal(controller.words.size, 0);
      assert.equal(story().at(-1), 'p ended');
      assert.ok(story().some((line) => line.endsWith('w1 undone')));
    }));

  it('undoes at once when the user interrupts, and starts no other phase', () =>
    inRoom([frozen('p', 60_000, 'canary', '60s'), { name: 'q', forMs: 1 }], async (room) => {
      const { controller, stop, story, run } = room;
      controller.onStep = (step) => {
        if (step === 'has w1') stop.abort(new Error('interrupted'));
      };
      await assert.rejects(run());
      assert.deepEqual(story().slice(-2), ['f1 w1 undone', 'p ended']);
      assert.equal(controller.words.size, 0);
    }));

  it('throws what a fault is that no node answers to, or that there is not', () =>
    inRoom([frozen('p', 1, 'rest', '1s')], async ({ stage, faults, story }) => {
      const one = { ...stage, nodes: stage.nodes.slice(0, 1) };
      await assert.rejects(runPhases(one, faults), (error) => hasCode(error, 'inject'));
      assert.deepEqual(story(), ['p started', 'p ended']);
      const fault = { name: 'no-such', params: {} };
      const plan = { ...stage.plan, phases: [{ name: 'q', forMs: 1, fault }] };
      await assert.rejects(runPhases({ ...stage, plan }, faults), (error) =>
        hasCode(error, 'usage'),
      );
    }));
});

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'echo', namespace: 'coalmine', labels: { app: 'echo' } },
  spec: { nodeName: 'w1', containers: [] },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
};
