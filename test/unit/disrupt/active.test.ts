import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from '../../../harness/core/errors.ts';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import { replay } from '../../../harness/disrupt/journal.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { argv, inTemporaryFolder, PARAMS, plantedFault, startWorld } from './planted-fault.ts';

const NEVER = new AbortController().signal;

function faultStates(events: readonly HistoryEvent[]): string[] {
  return events.flatMap((event) =>
    event.kind === 'fault' ? `${event.id} ${event.state}` : event.kind === 'felt' ? 'felt' : [],
  );
}

function inForce(folder: string): string[] {
  const { inForce: records } = replay(readFileSync(path.join(folder, 'undo.ndjson'), 'utf8'));
  return records.map(({ id }) => id);
}

describe('disrupt/active', () => {
  it('journals, arms, injects, is felt, undoes and verifies, in this order', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults, events } = startWorld(folder, new FakeNode('controller'), [node]);
      const steps: string[] = [];
      node.onStep = (step) => steps.push(`${step}, in force: ${inForce(folder).join()}`);
      const started = await faults.start(
        plantedFault(),
        { ...PARAMS, word: 'harm' },
        { node: node.info, agent: node.agent },
        NEVER,
      );
      assert.deepEqual([started.id, started.felt], ['f1', true]);
      assert.ok(node.words.has('harm'));
      assert.equal(await faults.undo('f1'), undefined);
      assert.equal(node.words.size, 0);
      assert.deepEqual(steps, [
        'arm f1, in force: f1',
        'put harm, in force: f1',
        'has harm, in force: f1',
        'has harm, in force: f1',
        'undo f1, in force: f1',
        'take harm, in force: f1',
        'has harm, in force: f1',
      ]);
      assert.deepEqual(inForce(folder), []);
      assert.deepEqual(faultStates(events), ['f1 armed', 'f1 injected', 'felt', 'f1 undone']);
      assert.deepEqual(await faults.undoAll(), []);
      assert.equal(steps.length, 7);
    }));

  it('undoes in the middle of a phase that was cancelled, and starts nothing more', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults } = startWorld(folder, new FakeNode('controller'), [node]);
      const on = { node: node.info, agent: node.agent };
      const cancel = new AbortController();
      await faults.start(plantedFault(), { ...PARAMS, word: 'a' }, on, cancel.signal);
      await faults.start(plantedFault(), { ...PARAMS, word: 'b' }, on, cancel.signal);
      cancel.abort(new Error('Ctrl+C'));
      node.argvs.length = 0;
      assert.deepEqual(await faults.undoAll(), []);
      assert.deepEqual(node.argvs, ['has b', 'take b', 'has b', 'has a', 'take a', 'has a']);
      await assert.rejects(
        faults.start(plantedFault(), { ...PARAMS, word: 'c' }, on, NEVER),
        (error) => hasCode(error, 'inject'),
      );
      assert.equal(node.words.size, 0);
    }));

  it('waits for a fault that is just starting, and undoes it', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults } = startWorld(folder, new FakeNode('controller'), [node]);
      let ending: Promise<unknown> = Promise.resolve();
      const slow: typeof node.agent.run = async (command) => {
        if (command.argv[0] === 'put') {
          ending = faults.undoAll();
          await delay(30);
        }
        return node.run(command);
      };
      const on = { node: node.info, agent: { ...node.agent, run: slow } };
      await assert.rejects(faults.start(plantedFault(), { ...PARAMS, word: 'harm' }, on, NEVER));
      assert.deepEqual(await ending, []);
      assert.equal(node.words.size, 0);
      assert.deepEqual(inForce(folder), []);
    }));

  it('undoes an inject that failed halfway', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults, events } = startWorld(folder, new FakeNode('controller'), [node]);
      const halfway = plantedFault({ inject: [argv('put', 'harm'), argv('no-such-program')] });
      await assert.rejects(
        faults.start(
          halfway,
          { ...PARAMS, word: 'harm' },
          { node: node.info, agent: node.agent },
          NEVER,
        ),
        (error) => hasCode(error, 'inject') && error.message.includes('no-such-program'),
      );
      assert.equal(node.words.size, 0);
      assert.deepEqual(inForce(folder), []);
      assert.deepEqual(faultStates(events), ['f1 armed', 'f1 undone']);
    }));

  it('touches nothing where the agent cannot hold the record', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults } = startWorld(folder, new FakeNode('controller'), [node]);
      node.onStep = (step) => {
        if (step.startsWith('arm')) throw new Error('its disk is full');
      };
      const on = { node: node.info, agent: node.agent };
      await assert.rejects(faults.start(plantedFault(), { ...PARAMS, word: 'harm' }, on, NEVER));
      assert.ok(!node.argvs.includes('put harm'));
      assert.deepEqual(inForce(folder), []);
    }));

  it('gives unique ids over all phases, and a tag of its own to each', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults } = startWorld(folder, new FakeNode('controller'), [node]);
      const on = { node: node.info, agent: node.agent };
      const tags: string[] = [];
      const plain = plantedFault();
      const tagged = {
        ...plain,
        prepare: (...[params, target]: Parameters<typeof plain.prepare>) => {
          tags.push(target.tag);
          return plain.prepare(params, target);
        },
      };
      for (const word of ['a', 'b', 'c']) {
        const { id } = await faults.start(tagged, { ...PARAMS, word }, on, NEVER);
        if (word !== 'b') await faults.undo(id);
      }
      assert.deepEqual(tags, ['coalmine-r1-f1', 'coalmine-r1-f2', 'coalmine-r1-f3']);
      assert.deepEqual(inForce(folder), ['f2']);
    }));

  it('says undo-failed for a fault that will not go away, and undoes the others', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults, events } = startWorld(folder, new FakeNode('controller'), [node]);
      const on = { node: node.info, agent: node.agent };
      for (const word of ['a', 'b', 'c'])
        await faults.start(plantedFault(), { ...PARAMS, word }, on, NEVER);
      node.stuck.add('b');
      const unconfirmed = await faults.undoAll();
      assert.deepEqual(
        unconfirmed.map(({ id, fault, where }) => [id, fault, where]),
        [['f2', 'planted', 'w1']],
      );
      assert.deepEqual([...node.words], ['b']);
      assert.deepEqual(inForce(folder), ['f2']);
      assert.ok(faultStates(events).includes('f2 undo-failed'));
      node.stuck.clear();
      assert.deepEqual(await faults.undoAll(), []);
      assert.deepEqual(inForce(folder), []);
    }));

  it('goes past an agent that is dead', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults } = startWorld(folder, new FakeNode('controller'), [node]);
      const agent = { ...node.agent, undo: () => Promise.reject(new Error('stream is closed')) };
      const on = { node: node.info, agent };
      await faults.start(plantedFault(), { ...PARAMS, word: 'harm' }, on, NEVER);
      assert.deepEqual(await faults.undoAll(), []);
      assert.equal(node.words.size, 0);
    }));

  it('runs the records of the controller there, with no agent in it', () =>
    inTemporaryFolder(async (folder) => {
      const controller = new FakeNode('controller');
      const node = new FakeNode('w1');
      const { faults } = startWorld(folder, controller, [node]);
      const felt = () => Promise.resolve({ felt: controller.words.has('harm'), evidence: 'asked' });
      const fault = plantedFault({ where: 'controller', felt });
      const on = { node: node.info, agent: node.agent };
      const started = await faults.start(fault, { ...PARAMS, word: 'harm' }, on, NEVER);
      assert.ok(started.felt && controller.words.has('harm'));
      assert.deepEqual(await faults.undoAll(), []);
      assert.deepEqual(controller.argvs, ['put harm', 'take harm', 'has harm']);
      assert.deepEqual(node.argvs, []);
    }));

  it('says once, and at the latest before the undo, that a fault was not felt', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const controller = new FakeNode('controller');
      const { faults, events } = startWorld(folder, controller, [node], undefined, {
        feltTimeoutMs: 1,
      });
      const fault = plantedFault({ felt: () => Promise.reject(new Error('no counter')) });
      const on = { node: node.info, agent: node.agent };
      const started = await faults.start(fault, { ...PARAMS, word: 'harm' }, on, NEVER);
      assert.equal(started.felt, false);
      await faults.undo(started.id);
      assert.deepEqual(faultStates(events), ['f1 armed', 'f1 injected', 'felt', 'f1 undone']);
      const felt = events.find((event) => event.kind === 'felt');
      assert.equal(felt?.felt, false);
      assert.match(felt.evidence, /no counter/);
    }));

  it('was not felt where it ended before its undo', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults, events } = startWorld(folder, new FakeNode('controller'), [node]);
      const on = { node: node.info, agent: node.agent };
      const { id, felt } = await faults.start(
        plantedFault(),
        { ...PARAMS, word: 'harm' },
        on,
        NEVER,
      );
      assert.equal(felt, true);
      node.words.clear();
      assert.equal(await faults.undo(id), undefined);
      const said = events.filter((event) => event.kind === 'felt');
      assert.deepEqual(
        said.map((event) => event.felt),
        [false],
      );
      assert.match(said[0]!.evidence, /ended before its undo/);
    }));

  it('stays felt where nobody can be asked at the end', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults, events } = startWorld(folder, new FakeNode('controller'), [node]);
      const on = { node: node.info, agent: node.agent };
      const { id } = await faults.start(plantedFault(), { ...PARAMS, word: 'harm' }, on, NEVER);
      node.onStep = () => {
        throw new Error('out of reach');
      };
      assert.match((await faults.undo(id))?.detail ?? '', /out of reach/);
      assert.ok(events.some((event) => event.kind === 'felt' && event.felt));
    }));

  it('undoes also where neither journal nor history can be written any more', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      let full = false;
      const refuse = (): void => {
        if (full) throw new Error('no space left on device');
      };
      const { faults } = startWorld(
        folder,
        new FakeNode('controller'),
        [node],
        (journal) => ({
          ...journal,
          append: (note) => {
            refuse();
            journal.append(note);
          },
        }),
        { emit: refuse },
      );
      const on = { node: node.info, agent: node.agent };
      await faults.start(plantedFault(), { ...PARAMS, word: 'a' }, on, NEVER);
      full = true;
      assert.equal(await faults.undo('f1'), undefined);
      assert.equal(node.words.size, 0);
      await assert.rejects(
        faults.start(plantedFault(), { ...PARAMS, word: 'b' }, on, NEVER),
        (error) => hasCode(error, 'history'),
      );
      assert.ok(!node.argvs.includes('put b'));
    }));

  it('is not over before what heals by itself is whole', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults } = startWorld(folder, new FakeNode('controller'), [node]);
      const on = { node: node.info, agent: node.agent };
      let missing: string | undefined = '1 of 2 pods are Ready';
      const fault = plantedFault({ notWholeYet: () => Promise.resolve(missing) });
      const { id } = await faults.start(fault, { ...PARAMS, word: 'harm' }, on, NEVER);
      assert.match((await faults.undo(id))?.detail ?? '', /1 of 2 pods/);
      missing = undefined;
      assert.equal(await faults.undo(id), undefined);
    }));
});
