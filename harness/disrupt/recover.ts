/**
 * Undo for a later process: `coalmine clean` after a SIGKILL, with nothing but the journal. Idempotent: what is confirmed
 * is noted, so that a second pass finds nothing in force and changes nothing.
 */
import { messageOf } from '../core/errors.ts';
import { openJournal, readJournal, replay } from './journal.ts';
import { undoThroughDoor, type DoorTo, type Unconfirmed } from './undo-door.ts';

export interface Recovered {
  /** Ids that were confirmed undone by this pass, last in first out. */
  undone: string[];
  unconfirmed: Unconfirmed[];
  /** Whole lines of the journal that could not be read: a fault may be in force that nobody knows of. */
  damagedLines: number;
}

/** Never stops at the first failure. The run that wrote the journal must have ended. */
export async function recover(journalPath: string, doorTo: DoorTo): Promise<Recovered> {
  const { inForce, damagedLines } = replay(readJournal(journalPath));
  const recovered: Recovered = { undone: [], unconfirmed: [], damagedLines };
  if (inForce.length === 0) return recovered;
  const journal = openJournal(journalPath);
  try {
    for (const record of inForce) {
      const { id, fault, where } = record;
      try {
        await undoThroughDoor(record, doorTo);
        journal.append({ state: 'undone', id });
        recovered.undone.push(id);
      } catch (error) {
        const detail = messageOf(error);
        journal.append({ state: 'undo-failed', id, detail });
        recovered.unconfirmed.push({ id, fault, where, detail });
      }
    }
  } finally {
    journal.close();
  }
  return recovered;
}
