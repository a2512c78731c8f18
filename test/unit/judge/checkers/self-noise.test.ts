/** Where coalmine itself was starved: what is void, and when too much is. */
import assert from 'node:assert/strict';
import type { HistoryEvent } from '../../../../harness/core/history.ts';
import { selfNoise } from '../../../../harness/judge/checkers/self-noise.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith, loadSeconds } from '../../../support/judge-with.ts';

describe('self-noise', () => {
  const agentGap = (fromS: number, lengthS: number): HistoryEvent => ({
    tMs: (fromS + lengthS) * 1_000,
    kind: 'agent-gap',
    node: 'w1',
    fromMs: fromS * 1_000,
    gapMs: lengthS * 1_000,
  });
  const fault = (tS: number, state: 'armed' | 'injected' | 'undone'): HistoryEvent => ({
    tMs: tS * 1_000,
    kind: 'fault',
    id: 'f1',
    fault: 'freeze',
    node: 'w1',
    state,
  });
  const freeze = [fault(14, 'armed'), fault(14.3, 'injected'), fault(19, 'undone')];
  const controllerGap: HistoryEvent = {
    tMs: 16_000,
    kind: 'controller-gap',
    fromMs: 14_500,
    gapMs: 1_500,
  };
  const stall = loadSeconds(15, 16, { load: 'pairs', type: 'dns', node: 'w1' }, () => ({
    stallMs: 1_200,
  }));
  const verdict = (events: readonly HistoryEvent[], params = {}) =>
    judgeWith(selfNoise, historyOf({ baseline: 10 }, { events }), params).verdict;

  it('passes when everybody kept time, or a freeze explains why not', () => {
    assert.equal(verdict([]), 'pass');
    assert.equal(verdict([agentGap(15, 0.4)]), 'pass');
    assert.equal(verdict([...freeze, agentGap(14.1, 5.2), ...stall]), 'pass');
  });

  it('voids and names the window of a short stall', () => {
    const own = judgeWith(selfNoise, historyOf({ baseline: 10 }, { events: [agentGap(15, 0.6)] }));
    assert.equal(own.verdict, 'pass');
    assert.equal(own.evidence['voidMs'], 600);
    assert.match(
      own.details[0] ?? '',
      /agent of w1 stood still for 600ms .* 15s to 15\.6s is void \(phase baseline\)/,
    );
  });

  it('is inconclusive where too much is void, in one stall or in many', () => {
    assert.equal(verdict([agentGap(12, 0.6), agentGap(15, 0.6)]), 'inconclusive');
    assert.equal(verdict([agentGap(15, 0.6)], { voidShareMax: 0 }), 'inconclusive');
    assert.equal(verdict([...freeze, agentGap(14.1, 8)]), 'inconclusive');
    assert.equal(verdict([controllerGap]), 'inconclusive');
    assert.equal(verdict(stall), 'inconclusive');
    assert.equal(
      verdict([{ tMs: 15_000, kind: 'agent-lost', node: 'w1', detail: 'eof' }]),
      'inconclusive',
    );
  });

  it('lets no gap that it does not void explain the stall of a generator', () => {
    assert.equal(verdict([...stall, agentGap(15, 0.4)]), 'inconclusive');
    const late = [...freeze, agentGap(14.1, 5.2), ...stall.map((one) => ({ ...one, node: 'w2' }))];
    assert.equal(verdict(late), 'inconclusive');
  });

  describe('of an agent that a fault took away', () => {
    const restart = (tS: number, state: 'armed' | 'injected' | 'undone'): HistoryEvent => ({
      ...{ tMs: tS * 1_000, kind: 'fault', id: 'f2', fault: 'reboot', node: 'w1', state },
      ...(state === 'injected' ? { shows: { as: 'new-boot', forMs: 0 } } : {}),
    });
    const told = (tS: number, kind: 'agent-lost' | 'agent-back', node = 'w1'): HistoryEvent => ({
      ...{ tMs: tS * 1_000, kind, node, detail: 'the fault' },
    });
    const spans = [restart(12, 'armed'), restart(12.3, 'injected'), restart(18, 'undone')];
    const [lost, back] = [told(12.1, 'agent-lost'), told(17, 'agent-back')];

    it('accepts its loss and return within the fault', () => {
      const { verdict: is, ...finding } = judgeWith(
        selfNoise,
        historyOf({ baseline: 10 }, { events: [...spans, lost, back] }),
      );
      assert.equal(is, 'pass');
      assert.equal(finding.evidence['agentsAway'], 1);
      assert.ok(finding.details.includes('the agent of w1 was away: the fault'));
    });

    it('accepts no loss beside it, and none without a return in time', () => {
      assert.equal(verdict([...spans, lost]), 'inconclusive');
      assert.equal(verdict([...spans, lost, told(18.5, 'agent-back')]), 'inconclusive');
      assert.equal(verdict([...spans, told(11, 'agent-lost'), back]), 'inconclusive');
      assert.equal(verdict([...spans, told(12.1, 'agent-lost', 'w2'), back]), 'inconclusive');
      assert.equal(verdict([...spans, lost, back, told(19, 'agent-lost')]), 'inconclusive');
      assert.equal(verdict([...freeze, told(14.1, 'agent-lost'), back]), 'inconclusive');
    });
  });

  it('has limits, and no opinion on what was outside the phases', () => {
    assert.equal(verdict([controllerGap], { controllerGapMax: '2s' }), 'pass');
    assert.equal(verdict([agentGap(15, 0.6)], { agentGapMax: '1s' }), 'pass');
    assert.equal(verdict([agentGap(2, 3)]), 'pass');
  });
});
