import assert from 'node:assert/strict';
import { heardLate } from '../../../harness/judge/heard-late.ts';
import { historyOf } from '../../support/history.ts';

describe('heard late', () => {
  const stall = (fromMs: number, gapMs: number) => {
    return { tMs: fromMs + gapMs, kind: 'controller-gap', fromMs, gapMs } as const;
  };

  it('is what comes in a stall, or just after it', () => {
    const lateMs = heardLate(historyOf({ churn: 60 }, { events: [stall(20_000, 3_000)] }));
    const found = [19_999, 20_000, 23_000, 24_000, 24_001].map(lateMs);
    assert.deepEqual(found, [0, 3_000, 3_000, 3_000, 0]);
  });

  it('is late by all the stalls that followed each other', () => {
    const events = [stall(20_000, 3_000), stall(23_200, 500)];
    assert.equal(heardLate(historyOf({ churn: 60 }, { events }))(23_900), 3_500);
    assert.equal(heardLate(historyOf({ churn: 60 }))(23_900), 0);
  });
});
