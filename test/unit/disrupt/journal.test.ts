import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { UndoRecord } from '../../../harness/core/undo.ts';
import { openJournal, readJournal, replay } from '../../../harness/disrupt/journal.ts';
import { limitFiles } from '../../support/limit-files.ts';
import { inTemporaryFolder } from './planted-fault.ts';

function record(id: string): UndoRecord {
  return {
    id,
    fault: 'planted',
    where: 'w1',
    undo: [{ argv: ['take', id] }],
    restore: [],
    verify: { command: { argv: ['has', id] }, exitCode: 1 },
    timeoutMs: 100,
  };
}

function line(entry: object): string {
  return `${JSON.stringify({ at: '2026-01-01T00:00:00Z', ...entry })}\n`;
}

const armed = (id: string): string => line({ state: 'armed', record: record(id) });
const ids = (text: string): string[] => replay(text).inForce.map(({ id }) => id);

describe('disrupt/journal: replay', () => {
  it('says what is still in force, last in first out', () => {
    const text = armed('f1') + line({ state: 'injected', id: 'f1' }) + armed('f2') + armed('f3');
    assert.deepEqual(ids(text), ['f3', 'f2', 'f1']);
    assert.deepEqual(ids(text + line({ state: 'undone', id: 'f2' })), ['f3', 'f1']);
  });

  it('keeps what was armed and never injected, and what could not be undone', () => {
    assert.deepEqual(ids(armed('f1')), ['f1']);
    const failed = line({ state: 'undo-failed', id: 'f1', detail: 'it is stuck' });
    assert.deepEqual(ids(armed('f1') + failed), ['f1']);
    assert.deepEqual(ids(armed('f1') + failed + line({ state: 'undone', id: 'f1' })), []);
  });

  it('skips a torn last line without a complaint, and counts a damaged one in the middle', () => {
    const torn = armed('f1') + armed('f2').slice(0, 40);
    assert.deepEqual(replay(torn).damagedLines, 0);
    assert.deepEqual(ids(torn), ['f1']);
    const damaged = `${armed('f1')}\0\0\0\n${armed('f2')}`;
    assert.deepEqual(replay(damaged).damagedLines, 1);
    assert.deepEqual(ids(damaged), ['f2', 'f1']);
  });

  it('reads every whole entry of a journal that was cut at any byte', () => {
    const whole = [armed('f1'), armed('f2'), line({ state: 'undone', id: 'f2' }), armed('f3')];
    const text = whole.join('');
    for (let cut = 0; cut <= text.length; cut += 1) {
      const found = replay(text.slice(0, cut));
      const lines = text.slice(0, cut).split('\n').length - 1;
      assert.equal(found.damagedLines, 0);
      assert.equal(found.lastNumber, [0, 1, 2, 2, 3][lines]);
    }
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat(), (junk, where) => {
        const text = armed('f1') + armed('f2');
        const cut = where % text.length;
        replay(`${text.slice(0, cut)}${junk}${text.slice(cut)}`);
      }),
    );
  });
});

describe('disrupt/journal: file', () => {
  it('has each entry on the disk when append returns, for its owner only', () =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'undo.ndjson');
      const journal = openJournal(file);
      journal.append({ state: 'armed', record: record(journal.nextId()) });
      assert.deepEqual(ids(readFileSync(file, 'utf8')), ['f1']);
      journal.close();
    }));

  it('gives no id a second time, also not in a later process', () =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'undo.ndjson');
      const first = openJournal(file);
      first.append({ state: 'armed', record: record(first.nextId()) });
      first.append({ state: 'undone', id: 'f1' });
      first.append({ state: 'armed', record: record(first.nextId()) });
      first.close();
      const second = openJournal(file);
      assert.equal(second.nextId(), 'f3');
      assert.equal(second.nextId(), 'f4');
      second.close();
    }));

  it('cuts a torn line off before it goes on, even one that ends inside a character', () =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'undo.ndjson');
      writeFileSync(file, armed('f1'));
      appendFileSync(file, Buffer.from(line({ state: 'undone', id: 'é' })).subarray(0, -4));
      const journal = openJournal(file);
      journal.append({ state: 'armed', record: record('f2') });
      journal.close();
      const { inForce, damagedLines } = replay(readJournal(file));
      assert.deepEqual([inForce.map(({ id }) => id), damagedLines], [['f2', 'f1'], 0]);
    }));

  it('glues no entry to one that a full disk cut off', () =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'undo.ndjson');
      const journal = openJournal(file);
      journal.append({ state: 'armed', record: record('f1') });
      limitFiles(statSync(file).size + 30);
      try {
        assert.throws(() => {
          journal.append({ state: 'armed', record: record('f2') });
        });
      } finally {
        limitFiles('unlimited');
      }
      journal.append({ state: 'armed', record: record('f3') });
      journal.close();
      const { inForce, damagedLines } = replay(readJournal(file));
      assert.deepEqual([inForce.map(({ id }) => id), damagedLines], [['f3', 'f1'], 0]);
    }));

  it('is empty where a run never came to a fault', () =>
    inTemporaryFolder((folder) => {
      assert.equal(readJournal(path.join(folder, 'undo.ndjson')), '');
    }));
});
