/** Containers and volumes that a killed private engine left in its slot. The images stay: they are cache. */
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import type { Leftover } from '../leftover.ts';
import { readResidue, removeResidue } from './engine-residue.ts';
import { listSlots, slotsFolder, trySlot } from './engine-slot.ts';

/** Nobody interrupts it: it is short, and it is part of taking away. */
const NEVER = new AbortController().signal;

export async function findSlotLeftovers(cacheDir: string): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const number of await listSlots(cacheDir)) {
    const dataRoot = path.join(slotsFolder(cacheDir), String(number));
    const residue = await readResidue(dataRoot);
    if (residue.length === 0) continue;
    const free = await trySlot(cacheDir, number, NEVER);
    await free?.release();
    found.push({
      kind: 'slot',
      name: `${dataRoot}: ${residue.join(', ')}`,
      alive: free === undefined,
      remove: () => emptySlot(cacheDir, number),
    });
  }
  return found;
}

async function emptySlot(cacheDir: string, number: number): Promise<void> {
  const slot = await trySlot(cacheDir, number, NEVER);
  // Whoever has it removed old containers before starting: there is nothing left to do.
  if (slot === undefined) throw new CoalmineError('undo', `slot ${number} is in use`);
  try {
    await removeResidue(slot.dataRoot);
  } finally {
    await slot.release();
  }
}
