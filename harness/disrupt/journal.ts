/**
 * The undo journal, `undo.ndjson` in the run directory: what was put in force and what was taken back, each entry on the
 * disk before the thing that it speaks of happens. A later process reads from it what is still in force.
 */
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { undoRecordSchema, type UndoRecord } from '../core/undo.ts';

/** Every entry carries the wall clock, for people who read the journal after a crash. */
const at = { at: z.string() };

const journalEntrySchema = z.discriminatedUnion('state', [
  z.strictObject({ ...at, state: z.literal('armed'), record: undoRecordSchema }),
  z.strictObject({ ...at, state: z.literal('injected'), id: z.string() }),
  z.strictObject({ ...at, state: z.literal('undone'), id: z.string() }),
  z.strictObject({ ...at, state: z.literal('undo-failed'), id: z.string(), detail: z.string() }),
]);
type JournalEntry = z.infer<typeof journalEntrySchema>;
/** An entry as a caller gives it: the journal adds the time. */
export type JournalNote =
  | { state: 'armed'; record: UndoRecord }
  | { state: 'injected' | 'undone'; id: string }
  | { state: 'undo-failed'; id: string; detail: string };

export interface Replay {
  /** Armed and not confirmed undone, last in first out: `injected` or not, because an inject can fail halfway. */
  inForce: UndoRecord[];
  /** The number of the last id `fN`; 0 in an empty journal. */
  lastNumber: number;
  /** Whole lines that could not be read: records may be missing. A torn last line is not among them. */
  damagedLines: number;
}

/**
 * Says what a journal's text means. Pure. A line counts only with its newline: the write of a torn line never returned,
 * so nothing that it announces was done.
 */
export function replay(journalText: string): Replay {
  const found: Replay = { inForce: [], lastNumber: 0, damagedLines: 0 };
  for (const line of wholeLines(journalText)) {
    const entry = parseEntry(line);
    if (entry === undefined) {
      found.damagedLines += 1;
      continue;
    }
    const id = entry.state === 'armed' ? entry.record.id : entry.id;
    found.lastNumber = Math.max(found.lastNumber, numberOf(id));
    if (entry.state === 'armed') {
      found.inForce.unshift(entry.record);
    } else if (entry.state === 'undone') {
      found.inForce = found.inForce.filter((record) => record.id !== id);
    }
  }
  return found;
}

export interface UndoJournal {
  readonly path: string;
  /** Returns an id that no entry of this journal has, also not one of an earlier process: `f1`, `f2`, … */
  readonly nextId: () => string;
  /** Returns once the entry is on the disk. */
  readonly append: (note: JournalNote) => void;
  readonly close: () => void;
}

/** Opens the journal of a run, or makes it. A torn last line of a crashed process is cut off, so that the next entry is whole. */
export function openJournal(journalPath: string): UndoJournal {
  const bytes = readBytes(journalPath);
  let { lastNumber } = replay(bytes.toString());
  const fd = openSync(journalPath, 'a', 0o600);
  let size = bytes.lastIndexOf('\n') + 1;
  ftruncateSync(fd, size);
  fsyncSync(fd);
  syncFolder(path.dirname(journalPath));
  return {
    path: journalPath,
    nextId: () => `f${(lastNumber += 1)}`,
    append: (note) => {
      const line = Buffer.from(`${JSON.stringify({ at: new Date().toISOString(), ...note })}\n`);
      try {
        for (let written = 0; written < line.length;) written += writeSync(fd, line, written);
        fdatasyncSync(fd);
      } catch (error) {
        // A full disk may take half a line; the next entry must not be glued to it.
        ftruncateSync(fd, size);
        throw error;
      }
      size += line.length;
    },
    close: () => {
      closeSync(fd);
    },
  };
}

/** Returns the text of a journal; a run that never came to a fault has none. */
export function readJournal(journalPath: string): string {
  return readBytes(journalPath).toString();
}

function readBytes(journalPath: string): Buffer {
  try {
    return readFileSync(journalPath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function wholeLines(text: string): string[] {
  return text.split('\n').slice(0, -1);
}

function parseEntry(line: string): JournalEntry | undefined {
  try {
    return journalEntrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function numberOf(id: string): number {
  return Number(/^f(\d+)$/.exec(id)?.[1] ?? 0);
}

/** Without this the file's name itself may be lost in a power cut. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
