/** What a node's kernel says of a fault once it is over. */
import assert from 'node:assert/strict';
import { FakeNode } from '../../support/fake-node.ts';
import { inTemporaryFolder, PARAMS, plantedFault, startWorld } from './planted-fault.ts';

const NEVER = new AbortController().signal;

describe('how long a machine stood still', () => {
  it('is asked for once after the undo and told, with the reason where nobody can say', () =>
    inTemporaryFolder(async (folder) => {
      const node = new FakeNode('w1');
      const { faults, events } = startWorld(folder, new FakeNode('controller'), [node]);
      const on = { node: node.info, agent: node.agent };
      const tell = async (measured: () => Promise<{ ms: number; errorMs: number } | undefined>) => {
        const fault = plantedFault({ measured });
        const { id } = await faults.start(fault, { ...PARAMS, word: 'harm' }, on, NEVER);
        assert.equal(await faults.undo(id), undefined);
        const undone = events.findIndex(
          (event) => event.kind === 'fault' && event.id === id && event.state === 'undone',
        );
        return events.slice(undone + 1).map((event) => ({ ...event, tMs: 0 }));
      };
      assert.deepEqual(await tell(() => Promise.resolve({ ms: 5_001, errorMs: 3 })), [
        { tMs: 0, kind: 'standstill', id: 'f1', node: 'w1', ms: 5_001, errorMs: 3 },
      ]);
      assert.deepEqual(await tell(() => Promise.resolve(undefined)), []);
      assert.deepEqual(await tell(() => Promise.reject(new Error('no trace'))), [
        { tMs: 0, kind: 'note', text: 'no trace' },
      ]);
    }));
});
