/** Whose a slot is decides who may empty it: a run that ends must not meddle with one that began meanwhile. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cleanRun, type CleanResult } from '../../../../harness/providers/clean.ts';
import { takeSlot, type Slot } from '../../../../harness/providers/kind/engine-slot.ts';

const { signal } = new AbortController();

describe('slots of private engines', () => {
  let cacheDir: string;
  const held: Slot[] = [];
  beforeEach(async () => {
    cacheDir = await mkdtemp(path.join(tmpdir(), 'slots-'));
  });
  afterEach(async () => {
    for (const slot of held.splice(0)) await slot.release();
    await rm(cacheDir, { recursive: true });
  });

  async function take(runId: string): Promise<Slot> {
    const slot = await takeSlot(cacheDir, runId, signal);
    held.push(slot);
    return slot;
  }

  /** As an engine leaves it while it runs, or when it was killed. */
  function fill({ dataRoot }: Slot): void {
    mkdirSync(path.join(dataRoot, 'containers', 'c1'), { recursive: true });
  }

  function endOf(runId: string): Promise<CleanResult> {
    return cleanRun({ cacheDir, runId, own: true, say: () => undefined });
  }

  it('are emptied by the run that used them, and by no other', async () => {
    const first = await take('slotrun1');
    const second = await take('slotrun2');
    assert.deepEqual([first.number, second.number], [0, 1]);
    fill(first);
    fill(second);
    await first.release();
    const { removed, kept } = await endOf('slotrun1');
    assert.deepEqual([removed.length, kept], [1, []]);
    assert.deepEqual(await readdir(path.join(first.dataRoot, 'containers')), []);
    assert.deepEqual(await readdir(path.join(second.dataRoot, 'containers')), ['c1']);
  });

  it('belong to whoever took them last', async () => {
    const killed = await take('slotrun1');
    fill(killed);
    await killed.release();
    const next = await take('slotrun2');
    assert.equal(next.number, killed.number);
    assert.deepEqual(await endOf('slotrun1'), { removed: [], kept: [], alive: [] });
    assert.deepEqual(await readdir(path.join(next.dataRoot, 'containers')), ['c1']);
  });
});
