import assert from 'node:assert/strict';
import type { Sample } from '../../../../harness/core/history.ts';
import { clockError } from '../../../../harness/judge/checkers/clock-error.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith } from '../../../support/judge-with.ts';

/** One reading a second through both phases, which last from 10 s to 90 s. */
function clockOf(node: string, offsetAt: (tS: number) => number): Sample[] {
  return Array.from({ length: 80 }, (_, index) => ({
    tMs: 10_000 + index * 1_000,
    node,
    probe: 'clock',
    values: { offset_ms: offsetAt(10 + index) },
  }));
}
const right = (node: string): Sample[] => clockOf(node, () => 3);
const history = (...samples: Sample[]) => historyOf({ baseline: 10, freeze: 70 }, { samples });

describe('clock-error', () => {
  it('passes where clocks are right, or right again in time', () => {
    assert.equal(judgeWith(clockError, history(...right('w1'), ...right('w2'))).verdict, 'pass');
    const late = clockOf('w1', (tS) => (tS >= 30 && tS < 40 ? -5_000 : 0));
    const finding = judgeWith(clockError, history(...late, ...right('w2')));
    assert.equal(finding.verdict, 'pass');
    assert.deepEqual(finding.evidence, { nodes: 2, largestMs: 5_000, longestWrongMs: 10_000 });
  });

  it('fails where a clock is wrong for too long, ahead or behind', () => {
    for (const offset of [-5_000, 5_000]) {
      const late = clockOf('w1', (tS) => (tS >= 30 && tS < 65 ? offset : 0));
      const finding = judgeWith(clockError, history(...late, ...right('w2')));
      assert.equal(finding.verdict, 'fail');
      assert.match(finding.summary, /w1 was off by more than 1s for 35s \(limit 30s\)/);
      const patient = judgeWith(clockError, history(...late, ...right('w2')), { within: '35s' });
      assert.equal(patient.verdict, 'pass');
    }
  });

  it('fails where a clock is wrong at the end, however short that was', () => {
    const end = clockOf('w1', (tS) => (tS >= 88 ? 2_000 : 0));
    const finding = judgeWith(clockError, history(...end, ...right('w2')));
    assert.equal(finding.verdict, 'fail');
    assert.match(finding.summary, /off by 2s at the end/);
  });

  it('is inconclusive where a clock was not read, or hardly', () => {
    assert.equal(judgeWith(clockError, history(...right('w1'))).verdict, 'inconclusive');
    const few = right('w2').slice(0, 4);
    const finding = judgeWith(clockError, history(...right('w1'), ...few));
    assert.equal(finding.verdict, 'inconclusive');
    assert.match(finding.summary, /w2 was read 4 times/);
  });

  it('is inconclusive where a clock was not read at the end', () => {
    const upTo = (endS: number) => right('w2').filter(({ tMs }) => tMs < endS * 1_000);
    assert.equal(judgeWith(clockError, history(...right('w1'), ...upTo(87))).verdict, 'pass');
    const finding = judgeWith(clockError, history(...right('w1'), ...upTo(84)));
    assert.equal(finding.verdict, 'inconclusive');
    assert.match(finding.summary, /the clock of w2 was not read in the last 7s/);
    // Frozen, or booting, in the middle.
    const away = right('w2').filter(({ tMs }) => tMs < 30_000 || tMs > 80_000);
    assert.equal(judgeWith(clockError, history(...right('w1'), ...away)).verdict, 'pass');
  });
});
