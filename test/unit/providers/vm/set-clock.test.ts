import assert from 'node:assert/strict';
import type { Executor } from '../../../../harness/core/command.ts';
import { moveClock, setClock } from '../../../../harness/providers/vm/set-clock.ts';

/** A node whose clock, once set, shows `offMs` more than it should: by attempt. */
function nodeWith(offMs: readonly number[]): { node: Executor; sets: () => number } {
  let sets = 0;
  const node: Executor = {
    name: 'w1',
    run: ({ argv }) => {
      const isSet = argv[2]?.startsWith('--set=') === true;
      if (isSet) sets += 1;
      const shown = Date.now() + (offMs[sets - 1] ?? 0);
      return Promise.resolve({
        ...{ exitCode: 0, signal: null, stderr: '' },
        stdout: argv.includes('+%s%3N') ? `${shown}\n` : '',
      });
    },
  };
  return { node, sets: () => sets };
}
const { signal } = new AbortController();

describe('a node’s clock', () => {
  it('is set until it is right', async () => {
    const { node, sets } = nodeWith([-1_300, -600, 0]);
    await setClock(node, signal);
    assert.equal(sets(), 3);
  });

  it('is left as it is where commands are always late', async () => {
    const { node, sets } = nodeWith([-900, -900, -900, -900]);
    await setClock(node, signal);
    assert.equal(sets(), 4);
  });

  it('is an error where it runs ahead as soon as it is set', async () => {
    const { node } = nodeWith([2_000, 2_000, 2_000, 2_000]);
    await assert.rejects(setClock(node, signal), /w1 runs too fast/);
  });
});

describe('a node’s clock, by what heartbeats know of it', () => {
  const moved = async (behindMs: number | undefined, offMs = [0]): Promise<string[]> => {
    const words: string[] = [];
    const { node } = nodeWith(offMs);
    const run: Executor['run'] = (command, limits) => {
      words.push(command.argv[2] ?? '');
      return node.run(command, limits);
    };
    await moveClock({ ...node, run, behindMs: () => behindMs }, signal);
    return words;
  };

  it('is moved by one command, which may start late', async () => {
    assert.deepEqual(await moved(86_400_250), ['--set=86400.250 seconds']);
    assert.deepEqual(await moved(-1_500), ['--set=-1.500 seconds']);
  });

  it('is set to ours where they were wrong, which it tells as it is moved', async () => {
    const words = await moved(86_400_250, [-2_000, 0]);
    assert.match(words.join(' '), /^--set=86400\.250 seconds --set=@\d+\.\d{3} \+%s%3N$/);
  });

  it('is left alone where it is right', async () => {
    assert.deepEqual(await moved(249), []);
  });

  it('is set to ours where they know nothing', async () => {
    assert.match((await moved(undefined)).join(' '), /^--set=@\d+\.\d{3} \+%s%3N$/);
  });
});
