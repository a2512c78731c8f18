/**
 * The door through which an undo reaches its place without the node agent: an agent that is dead, frozen or of another
 * process must not be able to keep a fault in force.
 */
import type { Executor } from '../core/command.ts';
import { carryOut, type WriteFile } from '../core/carry-out.ts';
import { CoalmineError } from '../core/errors.ts';
import type { UndoRecord } from '../core/undo.ts';

interface UndoDoor {
  readonly executor: Executor;
  readonly writeFile: WriteFile;
}

/**
 * `where` is a record's: `controller` or a node's name. Undefined where that node no longer exists: what was in force on
 * it went with it. A node that exists but cannot be reached throws.
 */
export type DoorTo = (where: string) => Promise<UndoDoor | undefined>;

/** An undo that could not be confirmed: the target is dirty, and a person must know what and where. */
export interface Unconfirmed {
  readonly id: string;
  readonly fault: string;
  readonly where: string;
  readonly detail: string;
}

/** Carries a record out through the door. Throws `undo` where it cannot be confirmed. Idempotent. */
export async function undoThroughDoor(record: UndoRecord, doorTo: DoorTo): Promise<void> {
  const door = await doorTo(record.where);
  if (door === undefined) return;
  const { verified, problems } = await carryOut(record, door.executor, door.writeFile);
  if (verified) return;
  throw new CoalmineError(
    'undo',
    `${record.fault} (${record.id}) on ${record.where}: ${problems.join('; ') || 'not confirmed'}`,
    { wayOut: 'Run `coalmine clean` once the node answers again; it repeats the undo.' },
  );
}
