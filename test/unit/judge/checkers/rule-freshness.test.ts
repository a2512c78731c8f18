import assert from 'node:assert/strict';
import type { EventOf, HistoryEvent } from '../../../../harness/core/history.ts';
import { ruleFreshness } from '../../../../harness/judge/checkers/rule-freshness.ts';
import { both, episode, history, reads, settled } from '../../../support/freshness-events.ts';
import { judgeWith } from '../../../support/judge-with.ts';

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

  describe('where a node was frozen from 18 s to 26 s', () => {
    const at = { kind: 'fault', id: 'f1', fault: 'freeze', node: 'w1' } as const;
    const frozen = (shows?: EventOf<'fault'>['shows']): HistoryEvent[] => [
      { ...at, tMs: 18_000, state: 'armed' },
      { ...at, tMs: 18_010, state: 'injected', ...(shows === undefined ? {} : { shows }) },
      { ...at, tMs: 26_300, state: 'undone' },
    ];
    const stall = { as: 'agent-gap', forMs: 8_000 } as const;
    const limits = { staleMax: '3s', missingMax: '3s' };
    const judged = (events: readonly HistoryEvent[]) =>
      judgeWith(ruleFreshness, history([...both, ...events]), limits);
    // Removed before, and right again 2.7 s of running time later.
    const past = { sinceMs: 17_800, untilMs: 28_500 };
    const old = episode(past);
    const took: HistoryEvent = { ...settled(6_000), tMs: 26_900 };

    it('leaves out for how long the machine stood still, with its clock and without', () => {
      for (const as of ['agent-gap', 'clock-jump'] as const) {
        const { verdict, evidence } = judged([...frozen({ as, forMs: 8_000 }), old]);
        assert.equal(verdict, 'pass');
        assert.deepEqual([evidence['staleAgeMaxMs'], evidence['machinesStoodMs']], [2_700, 8_000]);
      }
      const late = episode({ sinceMs: 17_800, untilMs: 28_900 });
      assert.match(judged([...frozen(stall), late]).summary, /stale on w1 for 3\.1s \(limit 3s\)/);
      const open = episode({ sinceMs: 25_000, tMs: 29_500 });
      assert.match(judged([...frozen(stall), open]).summary, /for 3\.5s, and still at the end/);
    });

    it('takes what came in the freeze, and was right at the first look after it, for no gap', () => {
      const { verdict, evidence } = judged([...frozen(stall), took]);
      assert.deepEqual([verdict, evidence['tookMaxMs']], ['pass', 900]);
    });

    it('leaves out nothing on other nodes, nor where processes alone stood still, nor of a reboot', () => {
      assert.equal(judged([...frozen(stall), episode({ ...past, node: 'w2' })]).verdict, 'fail');
      assert.equal(judged([...frozen(), old]).verdict, 'fail');
      assert.equal(judged([...frozen({ as: 'new-boot', forMs: 8_000 }), old]).verdict, 'fail');
      assert.equal(judged([...frozen(), took]).verdict, 'inconclusive');
    });
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
});
