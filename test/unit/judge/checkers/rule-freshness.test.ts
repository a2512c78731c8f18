import assert from 'node:assert/strict';
import type { EventOf, HistoryEvent } from '../../../../harness/core/history.ts';
import { ruleFreshness } from '../../../../harness/judge/checkers/rule-freshness.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith } from '../../../support/judge-with.ts';

const reads = (node: string, change: Partial<EventOf<'rules-read'>> = {}): HistoryEvent[] =>
  Array.from({ length: 20 }, (_, index) => ({
    tMs: 11_000 + index * 1_000,
    kind: 'rules-read',
    node,
    reads: 2,
    failures: 0,
    everyMs: 500,
    entries: 12,
    ...change,
  }));
const both = [...reads('w1'), ...reads('w2')];
const settled = (tookMs: number): HistoryEvent => ({
  tMs: 22_000,
  kind: 'rule-settled',
  node: 'w1',
  change: 'added',
  service: 'coalmine/echo',
  endpoint: '10.244.1.5:8080',
  tookMs,
});
const episode = (change: Partial<EventOf<'rule-episode'>> = {}): HistoryEvent => ({
  tMs: 29_000,
  kind: 'rule-episode',
  node: 'w1',
  error: 'stale',
  service: 'coalmine/echo',
  port: 'http',
  endpoint: '10.244.1.5:8080',
  sinceMs: 17_800,
  untilMs: null,
  ...change,
});
const history = (events: readonly HistoryEvent[]) =>
  historyOf({ baseline: 10, fault: 10 }, { events });

describe('rule-freshness', () => {
  it('passes when every change reached the rules in time', () => {
    const finding = judgeWith(
      ruleFreshness,
      history([...both, settled(400), settled(900), episode({ untilMs: 18_700 })]),
      { p99Max: '2s' },
    );
    assert.equal(finding.verdict, 'pass');
    assert.equal(finding.evidence['reads'], 80);
    assert.equal(finding.evidence['tookP99Ms'], 900);
    assert.equal(finding.evidence['staleAgeMaxMs'], 900);
    assert.equal(finding.evidence['readEveryMs'], 500);
    assert.match(finding.summary, /^2 changes reached the rules: .* max 900ms$/);
  });

  it('names what was wrong for longer than any change took', () => {
    const lost = episode({ error: 'missing', sinceMs: 12_000, untilMs: 13_500 });
    const { summary } = judgeWith(ruleFreshness, history([...both, settled(900), lost]));
    assert.match(summary, /max 900ms; wrong for longest: coalmine\/echo:http .* missing .* 1\.5s$/);
  });

  it('fails on an entry that is still wrong, and names Service, endpoint, node and age', () => {
    const finding = judgeWith(ruleFreshness, history([...both, settled(400), episode()]));
    assert.equal(finding.verdict, 'fail');
    assert.match(
      finding.summary,
      /coalmine\/echo:http -> 10\.244\.1\.5:8080 was stale on w1 for 11\.2s, and still at the end/,
    );
    assert.equal(finding.evidence['stillOpen'], 1);
    assert.equal(finding.evidence['tookMaxMs'], 11_200);
  });

  it('has limits of its own for stale and missing, and one for p99 in which the open ones count', () => {
    const missing = history([...both, episode({ error: 'missing', untilMs: 20_800 })]);
    assert.equal(judgeWith(ruleFreshness, missing, { missingMax: '3s' }).verdict, 'pass');
    assert.equal(judgeWith(ruleFreshness, missing, { missingMax: '2s' }).verdict, 'fail');
    const open = history([...both, settled(400), episode()]);
    const limits = { staleMax: '1m', p99Max: '2s' };
    assert.match(judgeWith(ruleFreshness, open, limits).summary, /^p99 .* 11\.2s/);
  });

  it('is not excused by a fault', () => {
    const gap: HistoryEvent = {
      tMs: 29_500,
      kind: 'agent-gap',
      node: 'w1',
      fromMs: 20_000,
      gapMs: 9_500,
    };
    assert.equal(judgeWith(ruleFreshness, history([...both, episode(), gap])).verdict, 'fail');
  });

  it('counts an episode that was told twice once, by its later word', () => {
    const told = history([...both, episode({ tMs: 20_000 }), episode({ untilMs: 20_500 })]);
    const finding = judgeWith(ruleFreshness, told);
    assert.equal(finding.evidence['episodes'], 1);
    assert.equal(finding.evidence['stillOpen'], 0);
  });

  const unseen: [string, HistoryEvent[]][] = [
    ['nothing was read', []],
    ['a node was not read', reads('w1')],
    ['too many reads failed', [...reads('w1'), ...reads('w2', { failures: 1 })]],
    ['no entry was ever seen', [...reads('w1'), ...reads('w2', { entries: 0 })]],
    ['a node was not read in one phase', [...reads('w1'), ...reads('w2').slice(0, 8)]],
    [
      'endpoints changed and the reader saw nothing',
      [
        ...both,
        { tMs: 21_000, kind: 'churn', id: 'c1', churn: 'x', action: 'remove', object: 'a' },
      ],
    ],
    [
      'endpoints changed, were back before one node looked again, and only the other saw it',
      [
        ...[...both, settled(400)],
        { tMs: 21_000, kind: 'churn', id: 'c1', churn: 'x', action: 'remove', object: 'a' },
      ],
    ],
  ];
  for (const [why, events] of unseen) {
    it(`is inconclusive where ${why}`, () => {
      assert.equal(judgeWith(ruleFreshness, history(events)).verdict, 'inconclusive');
    });
  }

  it('asks for no reads of a node that slept through a phase', () => {
    const gap: HistoryEvent = {
      tMs: 29_500,
      kind: 'agent-gap',
      node: 'w2',
      fromMs: 20_000,
      gapMs: 9_500,
    };
    const events = [...reads('w1'), ...reads('w2').slice(0, 8), settled(300), gap];
    assert.equal(judgeWith(ruleFreshness, history(events)).verdict, 'pass');
  });

  it('allows a drained backend its minute, and counts it among no errors', () => {
    const drained = episode({ error: 'lingering', sinceMs: 10_000, untilMs: 75_000, tMs: 75_000 });
    const fine = judgeWith(ruleFreshness, history([...both, settled(400), drained]));
    assert.equal(fine.verdict, 'pass');
    assert.equal(fine.evidence['episodes'], 0);
    assert.equal(fine.evidence['lingeringAgeMaxMs'], 65_000);
    const late = judgeWith(ruleFreshness, history([...both, settled(400), drained]), {
      lingeringMax: '1m',
    });
    assert.equal(late.verdict, 'fail');
    assert.match(late.summary, /was lingering on w1 for 65s \(limit 1m\)/);
  });

  it('does not call rules right that somebody broke and kube-proxy repaired in time', () => {
    const repaired = episode({ error: 'missing', sinceMs: 17_000, untilMs: 24_000, tMs: 24_000 });
    const finding = judgeWith(ruleFreshness, history([...both, repaired]));
    assert.equal(finding.verdict, 'pass');
    assert.match(finding.summary, /^1 entries were wrong .* was missing on w1 for 7s$/);
  });

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
});
