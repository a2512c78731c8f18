import assert from 'node:assert/strict';
import type { HistoryEvent } from '../../../../harness/core/history.ts';
import { flowSurvival } from '../../../../harness/judge/checkers/flow-survival.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith, loadSeconds } from '../../../support/judge-with.ts';

const BASE = { load: 'held', type: 'flow', node: 'w1' } as const;
const alive = { sent: 8, ok: 8, flows: { alive: 8, dead: 0, reopened: 0 } };
const dying = {
  sent: 9,
  ok: 7,
  timeouts: 1,
  errors: { reset: 1 },
  flows: { alive: 6, dead: 2, reopened: 0 },
};
const history = (bad: boolean, more: HistoryEvent[] = []) =>
  historyOf(
    { baseline: 10, fault: 10 },
    { events: [...loadSeconds(10, 30, BASE, (s) => (bad && s === 24 ? dying : alive)), ...more] },
  );

describe('flow-survival', () => {
  it('passes when all held connections live on', () => {
    const finding = judgeWith(flowSurvival, history(false), { flowsMin: 8 });
    assert.equal(finding.verdict, 'pass');
    assert.equal(finding.evidence['held'], 8);
  });

  it('fails when one died, also on a node that slept meanwhile', () => {
    const finding = judgeWith(flowSurvival, history(true));
    assert.equal(finding.verdict, 'fail');
    assert.match(
      finding.summary,
      /2 held connections died, held on w1: 1 reset, 1 no echo in time/,
    );
    assert.equal(judgeWith(flowSurvival, history(true), { diedMax: 2 }).verdict, 'pass');
    const gap: HistoryEvent = {
      tMs: 25_000,
      kind: 'agent-gap',
      node: 'w1',
      fromMs: 24_000,
      gapMs: 900,
    };
    assert.equal(judgeWith(flowSurvival, history(true, [gap])).verdict, 'fail');
    const except = ['fault'];
    const excused = judgeWith(flowSurvival, history(true, [gap]), { except });
    assert.equal(excused.verdict, 'pass');
    assert.match(excused.summary, /not judged: fault$/);
  });

  it('judges what was in flight at the end, until the load has ended', () => {
    const drain = loadSeconds(30, 60, BASE, (s) =>
      s === 59 ? dying : { ...alive, sent: 0, ok: 0 },
    );
    const judged = (params = {}) => judgeWith(flowSurvival, history(false, drain), params);
    assert.equal(judged().verdict, 'fail');
    assert.match(judged().summary, /2 held connections died, held on w1/);
    // What was asked in the last phase belongs to it, whenever it ends.
    assert.equal(judged({ except: ['fault'] }).verdict, 'pass');
    assert.equal(judged({ except: ['baseline'] }).verdict, 'fail');
  });

  it('is inconclusive without enough connections', () => {
    assert.equal(judgeWith(flowSurvival, historyOf({ baseline: 10 })).verdict, 'inconclusive');
    assert.equal(judgeWith(flowSurvival, history(false), { flowsMin: 9 }).verdict, 'inconclusive');
  });
});
