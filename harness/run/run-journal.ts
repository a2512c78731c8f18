/** The undo journal of a run: an undo that its disk refuses keeps the fault from being injected, and ends the run. */
import path from 'node:path';
import { openJournal, type UndoJournal } from '../disrupt/journal.ts';
import type { Recorder } from '../record/run-directory.ts';

/** Opening and appending throw `provision` where the disk refuses. */
export function openRunJournal({ dir, refused }: Pick<Recorder, 'dir' | 'refused'>): UndoJournal {
  const file = path.join(dir, 'undo.ndjson');
  const written = <T>(write: () => T): T => {
    try {
      return write();
    } catch (error) {
      throw refused(file, error);
    }
  };
  const journal = written(() => openJournal(file));
  return {
    ...journal,
    append: (note) => {
      written(() => {
        journal.append(note);
      });
    },
  };
}
