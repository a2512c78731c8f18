/** What rule-freshness makes of what coalmine did not see, or heard late. */
import assert from 'node:assert/strict';
import type { EventOf, HistoryEvent } from '../../../../harness/core/history.ts';
import { ruleFreshness } from '../../../../harness/judge/checkers/rule-freshness.ts';
import { both, episode, history, settled } from '../../../support/freshness-events.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith } from '../../../support/judge-with.ts';

describe('rule-freshness', () => {
  describe('of time in which nobody looked', () => {
    const LIMITS = { staleMax: '10s', missingMax: '20s' };
    /** w1 is read once a second up to 130 s, but not between these two. */
    const seen = (fromS: number, toS: number, change: Partial<EventOf<'rules-read'>> = {}) =>
      Array.from({ length: 120 }, (_, index): HistoryEvent => {
        const tMs = 11_000 + index * 1_000;
        const isUnread = tMs > fromS * 1_000 && tMs < toS * 1_000;
        const counts = { reads: 2, failures: 0, everyMs: 500, entries: 12 };
        const own = isUnread ? { ...counts, reads: 0, ...change } : counts;
        return { tMs, kind: 'rules-read', node: 'w1', ...own };
      });
    const judged = (...events: HistoryEvent[]) =>
      judgeWith(
        ruleFreshness,
        historyOf({ baseline: 20, churn: 100 }, { plan: { nodes: 1 }, events }),
        LIMITS,
      );
    const removed = (tookMs: number, tMs = 91_000): HistoryEvent => ({
      ...{ tMs, kind: 'rule-settled', node: 'w1', change: 'removed', service: 'coalmine/echo' },
      ...{ endpoint: '10.244.1.5:8080', tookMs },
    });

    it('is inconclusive where no read succeeded for longer than a rule may be wrong', () => {
      assert.equal(judged(...seen(0, 0), removed(300)).verdict, 'pass');
      assert.equal(judged(...seen(40, 50), removed(300)).verdict, 'pass');
      const finding = judged(...seen(40, 51), removed(300));
      assert.equal(finding.verdict, 'inconclusive');
      assert.match(finding.summary, /rules of w1 were not read for 11s/);
      const failed = judged(...seen(40, 51, { reads: 1, failures: 1 }), removed(300));
      assert.equal(failed.verdict, 'inconclusive');
    });

    it('is inconclusive where one good read is all that a phase has', () => {
      assert.match(judged(...seen(31, 999), removed(300)).summary, /not read for 99s/);
      assert.match(judged(...seen(0, 29), removed(300)).summary, /not read for 19s/);
    });

    it('asks for no read of a machine that stood still, with its clock or without', () => {
      const slept = { node: 'w1', tMs: 59_500 };
      const frozen: HistoryEvent = { ...slept, kind: 'agent-gap', fromMs: 40_500, gapMs: 18_000 };
      assert.equal(judged(...seen(40, 60), removed(300), frozen).verdict, 'pass');
      const jump: HistoryEvent = { ...slept, kind: 'clock-jump', jumpMs: 18_000, errorMs: 2 };
      assert.equal(judged(...seen(40, 60), removed(300), jump).verdict, 'pass');
      assert.equal(judged(...seen(40, 75), removed(300), frozen).verdict, 'inconclusive');
      assert.equal(
        judged(...seen(40, 60), removed(300), { ...frozen, node: 'w2' }).verdict,
        'inconclusive',
      );
    });

    it('does not count what is counted once a second against a limit of less', () => {
      const events = [...seen(0, 0), removed(300)];
      const history = historyOf({ churn: 120 }, { plan: { nodes: 1 }, events });
      assert.equal(judgeWith(ruleFreshness, history, { staleMax: '500ms' }).verdict, 'pass');
    });

    it('is inconclusive where a change took too long and was never seen wrong meanwhile', () => {
      const finding = judged(...seen(0, 0), removed(10_001));
      assert.equal(finding.verdict, 'inconclusive');
      assert.match(
        finding.summary,
        /echo -> .* removed, and seen so on w1 only after 10\.001s \(limit 10s\)/,
      );
      assert.equal(judged(...seen(0, 0), removed(10_000)).verdict, 'pass');
      const added = { ...removed(15_000), change: 'added' } as HistoryEvent;
      assert.equal(judged(...seen(0, 0), added).verdict, 'pass');
    });

    it('fails where such a change was seen wrong', () => {
      const tMs = 91_000;
      const wrong = episode({ sinceMs: tMs - 10_001, untilMs: tMs, tMs });
      const finding = judged(...seen(0, 0), removed(10_001), wrong);
      assert.equal(finding.verdict, 'fail');
      assert.equal(finding.details.length, 2, finding.details.join());
    });

    it('is inconclusive where an entry is still wrong at the end, however young', () => {
      const young = episode({ tMs: 130_500, sinceMs: 129_800 });
      const finding = judged(...seen(0, 0), removed(300), young);
      assert.equal(finding.verdict, 'inconclusive');
      assert.match(finding.summary, /stale on w1 for 700ms, and still at the end/);
      assert.equal(
        judged(...seen(0, 0), removed(300), episode({ tMs: 132_000, sinceMs: 131_000 })).verdict,
        'pass',
      );
      const drained = episode({ error: 'lingering', tMs: 130_500, sinceMs: 120_000 });
      assert.equal(judged(...seen(0, 0), removed(300), drained).verdict, 'pass');
    });

    it('says so where nobody looked after a change, and counts it as no change that was judged', () => {
      const unread = episode({ tMs: 129_800, sinceMs: 129_800 });
      const finding = judged(...seen(0, 0), removed(300), unread);
      assert.equal(finding.verdict, 'inconclusive');
      assert.match(finding.summary, /changed on w1 after its rules were read for the last time/);
      assert.equal(finding.evidence['changesJudged'], 1);
      assert.equal(finding.evidence['tookMaxMs'], 300);
    });
  });

  describe('of what coalmine heard late, because it stalled itself', () => {
    const LIMITS = { staleMax: '5s', missingMax: '5s', p99Max: '2s' };
    const stall = (fromMs: number, gapMs: number): HistoryEvent => ({
      ...{ tMs: fromMs + gapMs, kind: 'controller-gap', fromMs, gapMs },
    });
    const judged = (...events: HistoryEvent[]) =>
      judgeWith(ruleFreshness, history([...both, ...events]), LIMITS);
    /** Right again at 22 s. */
    const wrong = (ageMs: number) =>
      episode({ error: 'missing', sinceMs: 22_000 - ageMs, untilMs: 22_000, tMs: 22_000 });

    it('neither fails nor passes an entry where the limit lies within the doubt', () => {
      // Long right when its own word of it came: the kernel was ahead, and looked wrong meanwhile.
      const finding = judged(settled(400), wrong(7_000), stall(16_000, 6_000));
      assert.equal(finding.verdict, 'inconclusive');
      assert.match(finding.summary, /missing on w1 for 7s \(limit 5s\), but .* stalled for 6s/);
      // Or longer wrong than we knew.
      const early = judged(settled(400), wrong(4_000), stall(16_000, 1_500));
      assert.match(early.summary, /missing on w1 for 4s \(limit 5s\), but .* stalled for 1\.5s/);
    });

    it('fails or passes it beyond all doubt', () => {
      assert.equal(judged(settled(400), wrong(7_000), stall(21_000, 1_000)).verdict, 'fail');
      assert.equal(judged(settled(400), wrong(7_000), stall(9_000, 3_000)).verdict, 'fail');
      assert.equal(judged(settled(400), wrong(3_000), stall(17_000, 1_500)).verdict, 'pass');
      assert.equal(judged(settled(400), wrong(4_000), stall(11_000, 1_500)).verdict, 'pass');
    });

    it('knows that a change may have taken longer than since its word came', () => {
      const finding = judged(settled(400), stall(16_000, 5_000));
      assert.equal(finding.verdict, 'inconclusive');
      assert.match(finding.summary, /added, .* on w1 .* 400ms \(limit 5s\), but .* stalled for 5s/);
      assert.equal(judged(settled(400), stall(20_000, 1_000)).verdict, 'pass');
      assert.equal(judged(settled(400), stall(20_000, 1_700)).verdict, 'inconclusive');
      assert.equal(judged(settled(2_100), stall(20_000, 1_700)).verdict, 'fail');
    });

    it('dates drained backends by readings alone', () => {
      const drained = episode({ error: 'lingering', sinceMs: 13_000, untilMs: 22_000 });
      const events = [...both, settled(400), drained, stall(12_000, 2_000)];
      const params = { lingeringMax: '10s' };
      assert.equal(judgeWith(ruleFreshness, history(events), params).verdict, 'pass');
    });

    it('does not hold against p99 what nobody saw', () => {
      const slow = judgeWith(ruleFreshness, history([...both, settled(11_000)]), { p99Max: '2s' });
      assert.equal(slow.verdict, 'inconclusive');
    });
  });
});
