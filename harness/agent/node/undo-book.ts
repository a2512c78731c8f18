/** The undo records that this node holds: on its disk first, so that they outlive the agent, then in memory. */
import { mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { carryOut, type UndoOutcome } from '../../core/carry-out.ts';
import type { Executor } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import { undoRecordSchema, type UndoRecord } from '../../core/undo.ts';
import { placeFile, syncFolder } from './place-file.ts';

export interface UndoBook {
  /** What earlier lives left on the disk; the records of this run are armed again. */
  readonly left: readonly { runId: string; record: UndoRecord }[];
  readonly damaged: readonly string[];
  /** Resolves once the record is on the disk. */
  arm(record: UndoRecord): Promise<void>;
  /** Carries one record out; its file goes once that is verified. Undoing twice is no error. */
  undo(id: string): Promise<UndoOutcome>;
  /** Carries out what is armed, last in first out. */
  undoAll(): Promise<UndoOutcome[]>;
}

export async function openUndoBook(
  dir: string,
  runId: string,
  executor: Executor,
): Promise<UndoBook> {
  const own = path.join(dir, runId);
  await mkdir(own, { recursive: true, mode: 0o700 });
  const { left, damaged } = await readLeft(dir);
  const armed = new Map<string, UndoRecord>();
  for (const { runId: of, record } of left) if (of === runId) armed.set(record.id, record);
  const underWay = new Map<string, Promise<UndoOutcome>>();
  const fileOf = (id: string): string => path.join(own, `${id}.json`);

  const carry = async (record: UndoRecord): Promise<UndoOutcome> => {
    const outcome = await carryOut(record, executor, placeFile);
    if (outcome.verified) {
      armed.delete(record.id);
      await rm(fileOf(record.id), { force: true });
      await syncFolder(own);
    }
    return outcome;
  };
  const undo = async (id: string): Promise<UndoOutcome> => {
    const record = armed.get(id);
    const before = underWay.get(id);
    if (before !== undefined) return before;
    if (record === undefined) throw new CoalmineError('undo', `no undo record ${id} is armed here`);
    const now = carry(record);
    underWay.set(id, now);
    const outcome = await now;
    if (!outcome.verified) underWay.delete(id);
    return outcome;
  };
  return {
    left,
    damaged,
    arm: async (record) => {
      await placeFile(fileOf(record.id), JSON.stringify(record), 0o600);
      underWay.delete(record.id);
      armed.delete(record.id);
      armed.set(record.id, record);
    },
    undo,
    undoAll: async () => {
      const outcomes: UndoOutcome[] = [];
      for (const id of [...armed.keys()].reverse()) outcomes.push(await undo(id));
      // A folder that still holds a record stays.
      await rmdir(own).catch(() => undefined);
      return outcomes;
    },
  };
}

async function readLeft(dir: string): Promise<Pick<UndoBook, 'left' | 'damaged'>> {
  const left: { runId: string; record: UndoRecord }[] = [];
  const damaged: string[] = [];
  const names = await readdir(dir, { recursive: true });
  const files = names.filter((name) => /^[^/]+\/[^./][^/]*\.json$/.test(name));
  // Records are numbered in the order of arming: f9 comes before f10. Knowing how costs a node without KVM a tenth of a second.
  if (files.length > 1) files.sort(new Intl.Collator('en', { numeric: true }).compare);
  for (const file of files) {
    try {
      const record = undoRecordSchema.parse(
        JSON.parse(await readFile(path.join(dir, file), 'utf8')),
      );
      left.push({ runId: path.dirname(file), record });
    } catch {
      damaged.push(path.join(dir, file));
    }
  }
  return { left, damaged };
}
