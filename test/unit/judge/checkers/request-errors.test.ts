import assert from 'node:assert/strict';
import type { EventOf } from '../../../../harness/core/history.ts';
import type { Plan } from '../../../../harness/core/plan.ts';
import { requestErrors } from '../../../../harness/judge/checkers/request-errors.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith, loadSeconds } from '../../../support/judge-with.ts';

const BASE = { load: 'new-connections', type: 'http', node: 'w1' } as const;
const good = { sent: 50, ok: 50, latenciesMs: Array<number>(50).fill(4) };
const broken = {
  sent: 50,
  ok: 46,
  timeouts: 1,
  errors: { refused: 3 },
  latenciesMs: [4, 4, 1_004],
};
const history = (bad: boolean) =>
  historyOf(
    { baseline: 10, fault: 10 },
    { events: loadSeconds(10, 30, BASE, (second) => (bad && second === 24 ? broken : good)) },
  );

describe('request-errors', () => {
  it('passes when every request succeeds', () => {
    const finding = judgeWith(requestErrors, history(false), { p99Max: '1s' });
    assert.equal(finding.verdict, 'pass');
    assert.equal(finding.evidence['requests'], 1_000);
  });

  it('fails by class and phase', () => {
    const finding = judgeWith(requestErrors, history(true));
    assert.equal(finding.verdict, 'fail');
    assert.match(finding.summary, /4 of 1000 requests failed \(3 refused, 1 timeout\)/);
    assert.match(String(finding.evidence['phase fault']), /4 of 500 failed/);
    assert.match(String(finding.evidence['phase baseline']), /0 of 500 failed/);
    assert.equal(finding.evidence['above900Ms'], 1);
    assert.equal(judgeWith(requestErrors, history(true), { ratioMax: 0.004 }).verdict, 'pass');
    assert.equal(judgeWith(requestErrors, history(false), { p99Max: '3ms' }).verdict, 'fail');
  });

  it('judges the phases and what was in flight after them, not how the generators were started', () => {
    const judged = (lastBad: number) => {
      const events = loadSeconds(5, 32, BASE, (second) =>
        second < 9 || second >= lastBad ? broken : good,
      );
      return judgeWith(requestErrors, historyOf({ baseline: 10, fault: 10 }, { events }));
    };
    const finding = judged(32);
    assert.equal(finding.verdict, 'pass');
    assert.equal(finding.evidence['requests'], 1_100);
    assert.match(String(finding.evidence['after the last phase']), /0 of 100 failed/);
    assert.equal(judged(31).verdict, 'fail');
  });

  it('does not judge what a generator timed while it stood still itself', () => {
    const stalled = (stallMs: number) =>
      loadSeconds(10, 30, BASE, (second) => (second === 24 ? { ...broken, stallMs } : good));
    const judged = (stallMs: number, checks: Plan['checks'] = []) =>
      judgeWith(
        requestErrors,
        historyOf({ baseline: 10, fault: 10 }, { plan: { checks }, events: stalled(stallMs) }),
      );
    const finding = judged(5_000);
    assert.equal(finding.verdict, 'pass');
    // What it was late to hear is in the next interval.
    assert.equal(finding.evidence['requestsVoided'], 100);
    assert.equal(judged(900).verdict, 'fail');
    const wide = [{ name: 'self-noise', params: { generatorStallMax: '6s' } }];
    assert.equal(judged(5_000, wide).verdict, 'fail');
  });

  it('does not let a busy node hide a quiet one', () => {
    const busy = loadSeconds(10, 30, BASE, () => good);
    const quiet = (own: Partial<EventOf<'load'>>) =>
      loadSeconds(10, 30, { ...BASE, node: 'w2' }, () => own);
    const judged = (own: Partial<EventOf<'load'>>, params: Record<string, unknown>) =>
      judgeWith(
        requestErrors,
        historyOf({ baseline: 10, fault: 10 }, { events: [...busy, ...quiet(own)] }),
        params,
      );
    const refused = judged({ sent: 1, errors: { refused: 1 } }, { ratioMax: 0.05 });
    assert.equal(refused.verdict, 'fail');
    assert.match(
      refused.summary,
      /^new-connections on w2: 20 of 20 requests failed \(20 refused\)/,
    );
    const late = { sent: 1, ok: 1, latenciesMs: [1_900] };
    assert.equal(judged(late, { p99Max: '1s' }).verdict, 'fail');
    assert.equal(judged(late, {}).verdict, 'pass');
  });

  it('is inconclusive without enough requests', () => {
    assert.equal(judgeWith(requestErrors, historyOf({ baseline: 10 })).verdict, 'inconclusive');
    const finding = judgeWith(requestErrors, history(true), {
      except: ['fault'],
      requestsMin: 501,
    });
    assert.equal(finding.verdict, 'inconclusive');
  });
});
