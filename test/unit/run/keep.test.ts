/** A cluster's fate, from run directories that have everything but their end. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EventOf, HistoryEvent } from '../../../harness/core/history.ts';
import { createRunDirectory } from '../../../harness/record/run-directory.ts';
import { isToKeep } from '../../../harness/run/keep.ts';
import { environmentOf, historyOf } from '../../support/history.ts';

describe('--keep', () => {
  let reportsDir: string;
  beforeEach(() => {
    reportsDir = mkdtempSync(path.join(tmpdir(), 'coalmine-keep-'));
  });
  afterEach(() => {
    rmSync(reportsDir, { recursive: true });
  });

  const ready = (node: string, tMs: number, is = true): HistoryEvent => ({
    tMs,
    kind: 'node-ready',
    node,
    ready: is,
  });
  const residue: HistoryEvent = { tMs: 15_500, kind: 'residue', where: 'w1', what: 'a rule' };
  const ended: EventOf<'run'> = { tMs: 16_000, kind: 'run', state: 'ended' };

  function store(more: readonly HistoryEvent[]): string {
    const { plan, events } = historyOf(
      { hold: 5 },
      {
        plan: { checks: [{ name: 'node-ready', params: {} }] },
        events: [ready('w1', 10_001), ready('w2', 10_001), ...more],
        end: undefined,
      },
    );
    const folder = `run-${readdirSync(reportsDir).length}`;
    const recorder = createRunDirectory(reportsDir, plan, environmentOf(), { folder });
    for (const event of events) recorder.event(event);
    recorder.close();
    return recorder.dir;
  }
  const onFailure = (dir: string, end = ended) => isToKeep('on-failure', dir, end);

  it('on-failure lets a clean pass go, and keeps what failed, was inconclusive, dirty or crashed', () => {
    const passed = store([]);
    assert.equal(onFailure(passed), false);
    assert.equal(onFailure(store([ready('w1', 12_000, false)])), true);
    assert.equal(onFailure(store([residue])), true);
    assert.equal(onFailure(passed, { ...ended, detail: 'a phase broke', state: 'crashed' }), true);
    writeFileSync(path.join(passed, 'plan.json'), '{}');
    assert.equal(onFailure(passed), true, 'what cannot be judged');
  });

  it('on-failure does not take an interruption for a failure', () => {
    const failed = store([ready('w1', 12_000, false)]);
    assert.equal(onFailure(failed, { ...ended, state: 'interrupted', signal: 'SIGINT' }), false);
  });

  it('never and always ask nothing', () => {
    assert.equal(isToKeep('never', '/nowhere', ended), false);
    assert.equal(isToKeep('always', '/nowhere', ended), true);
  });

  it('writes nothing: the verdict is for later', () => {
    const dir = store([]);
    const before = readdirSync(dir);
    onFailure(dir);
    assert.deepEqual(readdirSync(dir), before);
  });
});
