import assert from 'node:assert/strict';
import type { HistoryEvent } from '../../../../harness/core/history.ts';
import { nodeReady } from '../../../../harness/judge/checkers/node-ready.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith } from '../../../support/judge-with.ts';

const ready = (tS: number, node: string, state: boolean): HistoryEvent => ({
  tMs: tS * 1_000,
  kind: 'node-ready',
  node,
  ready: state,
});
const BOTH = [ready(1, 'w1', false), ready(5, 'w1', true), ready(1, 'w2', true)];
/** Baseline is 10 s to 20 s, fault 20 s to 30 s, after 30 s to 40 s. */
const history = (...events: HistoryEvent[]) =>
  historyOf({ baseline: 10, fault: 10, after: 10 }, { events });

describe('node-ready', () => {
  it('passes when nodes are Ready all the time; what was before the first phase does not count', () => {
    assert.equal(judgeWith(nodeReady, history(...BOTH)).verdict, 'pass');
    assert.equal(judgeWith(nodeReady, history(...BOTH, ready(40.5, 'w1', false))).verdict, 'pass');
  });

  it('fails on a stretch that is too long, wherever it is not excepted', () => {
    const given = history(...BOTH, ready(22, 'w1', false), ready(33, 'w1', true));
    const finding = judgeWith(nodeReady, given);
    assert.equal(finding.verdict, 'fail');
    assert.match(finding.summary, /w1 was NotReady for 11s/);
    assert.equal(judgeWith(nodeReady, given, { notReadyMax: '11s' }).verdict, 'pass');
    assert.equal(judgeWith(nodeReady, given, { except: ['fault'] }).verdict, 'pass');
    assert.equal(judgeWith(nodeReady, given, { except: ['after'] }).verdict, 'fail');
  });

  it('fails on a node that is NotReady at the end, whatever is allowed', () => {
    const given = history(...BOTH, ready(25, 'w1', false));
    const limits = { notReadyMax: '1h', except: ['fault'] };
    const finding = judgeWith(nodeReady, given, limits);
    assert.equal(finding.verdict, 'fail');
    assert.match(finding.summary, /^w1 was NotReady at the end/);
  });

  it('is inconclusive where a node was not watched, or no phase began', () => {
    assert.equal(judgeWith(nodeReady, history(ready(1, 'w1', true))).verdict, 'inconclusive');
    assert.equal(judgeWith(nodeReady, historyOf({}, { events: BOTH })).verdict, 'inconclusive');
  });
});
