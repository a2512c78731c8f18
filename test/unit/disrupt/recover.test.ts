import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { replay, type UndoJournal } from '../../../harness/disrupt/journal.ts';
import { recover } from '../../../harness/disrupt/recover.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { doorsTo, inTemporaryFolder, PARAMS, plantedFault, startWorld } from './planted-fault.ts';

const NEVER = new AbortController().signal;

describe('disrupt/recover', () => {
  it('undoes what a killed run left in force, and changes nothing the second time', () =>
    inTemporaryFolder(async (folder) => {
      const nodes = [new FakeNode('w1'), new FakeNode('w2')];
      const { faults, journal } = startWorld(folder, new FakeNode('controller'), nodes);
      for (const node of nodes) {
        const on = { node: node.info, agent: node.agent };
        await faults.start(plantedFault(), { ...PARAMS, word: 'a' }, on, NEVER);
      }
      appendFileSync(journal.path, '{"state":"undone","id":"f');
      const first = await recover(journal.path, doorsTo(nodes));
      assert.deepEqual([first.undone, first.unconfirmed], [['f2', 'f1'], []]);
      assert.deepEqual([nodes[0]!.words.size, nodes[1]!.words.size], [0, 0]);
      const text = readFileSync(journal.path, 'utf8');
      const asked = nodes.flatMap(({ argvs }) => argvs).length;
      assert.deepEqual(await recover(journal.path, doorsTo(nodes)), {
        undone: [],
        unconfirmed: [],
        damagedLines: 0,
      });
      assert.equal(readFileSync(journal.path, 'utf8'), text);
      assert.equal(nodes.flatMap(({ argvs }) => argvs).length, asked);
    }));

  it('goes on after a node that is out of reach, and says which', () =>
    inTemporaryFolder(async (folder) => {
      const nodes = [new FakeNode('w1'), new FakeNode('w2')];
      const { faults, journal } = startWorld(folder, new FakeNode('controller'), nodes);
      for (const node of nodes) {
        const on = { node: node.info, agent: node.agent };
        await faults.start(plantedFault(), { ...PARAMS, word: 'a' }, on, NEVER);
      }
      nodes[1]!.onStep = () => {
        throw new Error('no route to w2');
      };
      const found = await recover(journal.path, doorsTo(nodes));
      assert.deepEqual(found.undone, ['f1']);
      assert.deepEqual(
        found.unconfirmed.map(({ id, where }) => [id, where]),
        [['f2', 'w2']],
      );
      assert.match(found.unconfirmed[0]!.detail, /no route to w2/);
    }));

  it('takes a node that is gone for undone: its faults went with it', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults, journal } = startWorld(folder, new FakeNode('controller'), [node]);
      const on = { node: node.info, agent: node.agent };
      await faults.start(plantedFault(), { ...PARAMS, word: 'a' }, on, NEVER);
      const found = await recover(journal.path, doorsTo([]));
      assert.deepEqual([found.undone, found.unconfirmed], [['f1'], []]);
    }));

  it('needs no journal', () =>
    inTemporaryFolder(async (folder) => {
      const found = await recover(path.join(folder, 'undo.ndjson'), doorsTo([]));
      assert.deepEqual(found, { undone: [], unconfirmed: [], damagedLines: 0 });
    }));

  it('leaves nothing in force, wherever in a run the controller died', async () => {
    const action = fc.record({
      verb: fc.constantFrom('start' as const, 'start' as const, 'undo' as const, 'all' as const),
      node: fc.nat(1),
      word: fc.nat(2),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 1, maxLength: 6 }),
        fc.nat(60),
        fc.boolean(),
        (actions, diesAtStep, tears) =>
          inTemporaryFolder((folder) => killAndRecover(folder, actions, diesAtStep, tears)),
      ),
      { numRuns: 80 },
    );
  });
});

interface Action {
  verb: 'start' | 'undo' | 'all';
  node: number;
  word: number;
}

/** Plays a run whose controller dies at a step; from then on nothing that it tries has an effect. */
async function killAndRecover(
  folder: string,
  actions: readonly Action[],
  diesAtStep: number,
  tears: boolean,
): Promise<void> {
  const controller = new FakeNode('controller');
  const nodes = [new FakeNode('w1'), new FakeNode('w2')];
  let steps = 0;
  const step = (): void => {
    steps += 1;
    if (steps > diesAtStep) throw new Error('the controller is dead');
  };
  for (const node of nodes) node.onStep = step;
  const tearsNow = (): boolean => steps === diesAtStep && tears;
  const { faults, journal } = startWorld(folder, controller, nodes, (whole) =>
    diesWhileWriting(whole, tearsNow, step),
  );
  const started: string[] = [];
  for (const { verb, node, word } of actions) {
    const { info, agent } = nodes[node]!;
    if (verb === 'all') await faults.undoAll();
    else if (verb === 'undo') await faults.undo(started[word] ?? 'f1');
    else {
      // The proof of effect is another test's: here it would only cost time.
      const fault = plantedFault({ felt: () => Promise.resolve({ felt: true, evidence: '' }) });
      const params = { ...PARAMS, word: `${verb}-${word}-${started.length}` };
      await faults
        .start(fault, params, { node: info, agent }, NEVER)
        .then(({ id }) => started.push(id))
        .catch(() => undefined);
    }
  }
  for (const node of nodes) node.onStep = () => undefined;
  const known = replay(readFileSync(journal.path, 'utf8')).inForce.length;
  const harmed = nodes.reduce((sum, { words }) => sum + words.size, 0);
  assert.ok(harmed <= known, 'a harm that the journal does not know of');
  await recover(journal.path, doorsTo(nodes));
  assert.deepEqual(
    nodes.map(({ words }) => [...words]),
    [[], []],
  );
  const text = readFileSync(journal.path, 'utf8');
  const again = await recover(journal.path, doorsTo(nodes));
  assert.deepEqual(again, { undone: [], unconfirmed: [], damagedLines: 0 });
  assert.equal(readFileSync(journal.path, 'utf8'), text);
}

/** An append counts as a step, too; the fatal one may leave half a line. */
function diesWhileWriting(
  journal: UndoJournal,
  tears: () => boolean,
  step: () => void,
): UndoJournal {
  return {
    ...journal,
    append: (note) => {
      if (tears()) appendFileSync(journal.path, JSON.stringify(note).slice(0, 20));
      step();
      journal.append(note);
    },
  };
}
