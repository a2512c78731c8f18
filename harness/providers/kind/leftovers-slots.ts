/** Containers and volumes that a killed private engine left in its slot. The images stay: they are cache. */
import path from 'node:path';
import { waitFor } from '../../core/deadline.ts';
import type { Leftover } from '../leftover.ts';
import { readResidue, removeResidue } from './engine-residue.ts';
import { lastUserOf, listSlots, slotsFolder, trySlot } from './engine-slot.ts';

/** Nobody interrupts it: it is short, and it is part of taking away. */
const NEVER = new AbortController().signal;

export async function findSlotLeftovers(cacheDir: string): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const number of await listSlots(cacheDir)) {
    const dataRoot = path.join(slotsFolder(cacheDir), String(number));
    const residue = await readResidue(dataRoot);
    if (residue.length === 0) continue;
    const runId = await lastUserOf(cacheDir, number);
    const free = await trySlot(cacheDir, number, NEVER);
    await free?.release();
    found.push({
      kind: 'slot',
      name: `${dataRoot}: ${residue.join(', ')}`,
      ...(runId === undefined ? {} : { runId }),
      alive: free === undefined,
      remove: () => emptySlot(cacheDir, number, runId),
    });
  }
  return found;
}

/** A slot that is in use is either another run's by now, which began by emptying it, or looked at by another `clean`. */
async function emptySlot(
  cacheDir: string,
  number: number,
  runId: string | undefined,
): Promise<void> {
  const wait = { what: `slot ${number} of the private engines to be free`, timeoutMs: 10_000 };
  const slot = await waitFor({ ...wait, everyMs: 50 }, async () => {
    const free = await trySlot(cacheDir, number, NEVER);
    if (free !== undefined) return free;
    return (await lastUserOf(cacheDir, number)) === runId ? undefined : 'of another run';
  });
  if (slot === 'of another run') return;
  try {
    await removeResidue(slot.dataRoot);
  } finally {
    await slot.release();
  }
}
