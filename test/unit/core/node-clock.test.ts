import assert from 'node:assert/strict';
import { moveClock, setClock, type ClockedNode } from '../../../harness/core/node-clock.ts';

/** A node that is behind by so much, asked one time after the other; the last for ever. */
function nodeWith(behindMs: readonly number[], { errorMs = 5, exitCode = 0 } = {}) {
  const words: string[] = [];
  const left = [...behindMs];
  const node: ClockedNode = {
    name: 'w1',
    behind: () => {
      const ms = (left.length > 1 ? left.shift() : left[0]) ?? 0;
      return Promise.resolve({ ms, errorMs });
    },
    run: ({ argv }) => {
      words.push(argv.join(' '));
      return Promise.resolve({ exitCode, signal: null, stdout: '', stderr: 'not permitted' });
    },
  };
  return { node, words };
}
const LIMITS = { timeoutMs: 1_000 };

describe('a node’s clock', () => {
  const moved = async (...of: Parameters<typeof nodeWith>) => {
    const { node, words } = nodeWith(...of);
    return [await moveClock(node, LIMITS), ...words];
  };

  it('is moved by as much as it is off, which a command that starts late does not spoil', async () => {
    assert.deepEqual(await moved([86_400_250]), [
      'its clock was 86400.25s behind',
      'date --utc --set=86400.250 seconds',
    ]);
    assert.deepEqual(await moved([-1_500]), [
      'its clock was 1.5s ahead',
      'date --utc --set=-1.500 seconds',
    ]);
  });

  it('is left alone where it is right, or nobody can tell that it is not', async () => {
    assert.deepEqual(await moved([249]), [undefined]);
    assert.deepEqual(await moved([-249]), [undefined]);
    assert.deepEqual(await moved([500], { errorMs: 600 }), [undefined]);
  });

  it('is moved until it is right', async () => {
    const { node, words } = nodeWith([5_000, -700, 0]);
    await setClock(node, LIMITS);
    assert.deepEqual(words, ['date --utc --set=5.000 seconds', 'date --utc --set=-0.700 seconds']);
  });

  it('is an error where it is wrong again as soon as it is moved', async () => {
    const { node, words } = nodeWith([-2_000]);
    await assert.rejects(setClock(node, LIMITS), /w1 does not go right: .* 2s ahead at the last/);
    assert.equal(words.length, 5);
  });

  it('is an error where it cannot be moved', async () => {
    const { node } = nodeWith([2_000], { exitCode: 1 });
    await assert.rejects(setClock(node, LIMITS), /clock of w1 cannot be set: not permitted/);
  });
});
