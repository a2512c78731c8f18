/** An undo is carried out whole, whatever fails on the way, and only its verification says that it is done. */
import assert from 'node:assert/strict';
import { carryOut } from '../../../harness/core/carry-out.ts';
import type { Command, Completed, Executor } from '../../../harness/core/command.ts';
import type { UndoRecord } from '../../../harness/core/undo.ts';

/** A target with state: the words that are `on`. `off WORD` removes one, `list` prints them, `boom` cannot be started. */
function target(on: string[]) {
  const state = new Set(on);
  const ran: string[] = [];
  const executor: Executor = {
    name: 'target',
    run: ({ argv: [verb, word = ''] }: Command): Promise<Completed> => {
      ran.push(`${verb} ${word}`.trim());
      if (verb === 'boom') return Promise.reject(new Error('could not start boom'));
      const known = verb === 'list' || state.delete(word);
      return Promise.resolve({
        exitCode: known ? 0 : 1,
        signal: null,
        stdout: verb === 'list' ? `${[...state].join(' ')}\n` : '',
        stderr: known ? '' : 'no such word',
      });
    },
  };
  return { state, ran, executor };
}

const record: UndoRecord = {
  id: 'f1',
  fault: 'words',
  where: 'w1',
  undo: [{ argv: ['boom'] }, { argv: ['off', 'gone'] }, { argv: ['off', 'rule'] }],
  restore: [
    { path: '/no', content: '1' },
    { path: '/yes', content: 'old' },
  ],
  verify: { command: { argv: ['list'] }, exitCode: 0, stdout: '' },
  timeoutMs: 50,
};

async function writeYesOnly(written: string[], path: string): Promise<void> {
  await Promise.resolve();
  if (path === '/no') throw new Error('read-only file system');
  written.push(path);
}

describe('carryOut', () => {
  it('goes on after each failure, reports it, and lets verify decide', async () => {
    const { executor, state, ran } = target(['rule']);
    const written: string[] = [];
    const outcome = await carryOut(record, executor, (path) => writeYesOnly(written, path));
    assert.equal(outcome.verified, true);
    assert.equal(outcome.problems.length, 3);
    assert.match(outcome.problems[1] ?? '', /off gone.*no such word/);
    assert.deepEqual([...state], []);
    assert.deepEqual(written, ['/yes']);
    assert.deepEqual(ran, ['boom', 'off gone', 'off rule', 'list']);
  });

  it('is not verified while something is left, and says what', async () => {
    const { executor } = target(['rule', 'other']);
    const outcome = await carryOut(record, executor, () => Promise.resolve());
    assert.equal(outcome.verified, false);
    assert.match(outcome.problems.at(-1) ?? '', /undo of f1.*"other"/);
  });

  it('can be done twice', async () => {
    const { executor } = target(['rule']);
    await carryOut(record, executor, () => Promise.resolve());
    assert.equal((await carryOut(record, executor, () => Promise.resolve())).verified, true);
  });

  it('waits for a state that comes later', async () => {
    const { executor, state } = target(['late']);
    setTimeout(() => {
      state.clear();
    }, 20);
    const slow = { ...record, undo: [], restore: [], timeoutMs: 5_000 };
    assert.equal((await carryOut(slow, executor, () => Promise.resolve())).verified, true);
  });
});
