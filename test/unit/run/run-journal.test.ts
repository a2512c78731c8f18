import assert from 'node:assert/strict';
import { hasCode } from '../../../harness/core/errors.ts';
import { readJournal } from '../../../harness/disrupt/journal.ts';
import { createRunDirectory } from '../../../harness/record/run-directory.ts';
import { openRunJournal } from '../../../harness/run/run-journal.ts';
import { environmentOf, planOf } from '../../support/history.ts';
import { limitFiles } from '../../support/limit-files.ts';
import { inTemporaryFolder } from '../disrupt/planted-fault.ts';

describe('run/run-journal', () => {
  it('refuses an undo that does not fit, and ends the run', () =>
    inTemporaryFolder((folder) => {
      const recorder = createRunDirectory(folder, planOf(), environmentOf());
      const journal = openRunJournal(recorder);
      limitFiles(0);
      try {
        assert.throws(
          () => {
            journal.append({ state: 'injected', id: 'f1' });
          },
          (error) => error === recorder.broken.reason && hasCode(error, 'provision'),
        );
      } finally {
        limitFiles('unlimited');
      }
      journal.close();
      recorder.close();
      assert.equal(readJournal(journal.path), '');
    }));
});
