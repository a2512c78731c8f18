import assert from 'node:assert/strict';
import fc from 'fast-check';
import { z } from 'zod';
import type { EventOf, HistoryEvent } from '../../../harness/core/history.ts';
import { runResultSchema } from '../../../harness/core/result.ts';
import { VERDICTS } from '../../../harness/core/verdict.ts';
import type { Checker } from '../../../harness/judge/checkers/checker.ts';
import { ALWAYS, CHECKERS } from '../../../harness/judge/checkers/index.ts';
import { judge } from '../../../harness/judge/judge.ts';
import { reduce } from '../../../harness/judge/verdict.ts';
import { environmentOf, historyOf } from '../../support/history.ts';

const undo = (state: 'undone' | 'undo-failed', id = 'f1'): HistoryEvent => ({
  tMs: 15_000,
  kind: 'fault',
  id,
  fault: 'freeze',
  node: 'w1',
  state,
});
const residue: HistoryEvent = { tMs: 20_500, kind: 'residue', where: 'w1', what: 'a qdisc' };
const history = (events: readonly HistoryEvent[] = [], end?: EventOf<'run'>) =>
  historyOf({ baseline: 10 }, end === undefined ? { events } : { events, end });

describe('reduce', () => {
  it('is the worst finding, in whatever order they come, and inconclusive for none', () => {
    const verdict = fc.constantFrom(...VERDICTS);
    fc.assert(
      fc.property(fc.array(verdict), (verdicts) => {
        const findings = verdicts.map((one) => ({ verdict: one }));
        const expected = verdicts.includes('fail')
          ? 'fail'
          : verdicts.includes('inconclusive') || verdicts.length === 0
            ? 'inconclusive'
            : 'pass';
        assert.equal(reduce(findings, history()).verdict, expected);
        assert.equal(reduce([...findings].reverse(), history()).verdict, expected);
      }),
    );
  });

  it('is dirty by an undo that failed and was never confirmed, and by residue; the verdict stays', () => {
    const pass = [{ verdict: 'pass' as const }];
    assert.equal(reduce(pass, history()).dirty, false);
    assert.equal(reduce(pass, history([undo('undo-failed'), undo('undone')])).dirty, false);
    assert.equal(reduce(pass, history([undo('undo-failed'), undo('undone', 'f2')])).dirty, true);
    const { dirty, left, verdict } = reduce(pass, history([residue, residue]));
    assert.deepEqual(
      { dirty, left, verdict },
      { dirty: true, left: ['w1: a qdisc'], verdict: 'pass' },
    );
  });
});

describe('what is left of a run that was killed', () => {
  const fault = (state: EventOf<'fault'>['state'], id = 'f1', name = 'stop-process') =>
    ({ ...{ tMs: 12_000, kind: 'fault', id, fault: name, node: 'w1', state } }) as HistoryEvent;
  const leftOf = (...events: HistoryEvent[]) =>
    reduce([], historyOf({ baseline: 10 }, { end: undefined, events })).left;

  it('is each fault that was in force, or on its way, without a confirmed undo', () => {
    const [armed, injected] = [fault('armed'), fault('injected')];
    assert.deepEqual(leftOf(armed, injected), [
      'w1: stop-process (f1) was in force where the history ends: its undo is not confirmed',
    ]);
    assert.deepEqual(leftOf(armed), [
      'w1: stop-process (f1) was armed where the history ends: its undo is not confirmed',
    ]);
    assert.deepEqual(leftOf(armed, injected, fault('undone')), []);
    assert.equal(leftOf(armed, injected, fault('undo-failed')).length, 1);
    assert.equal(leftOf(armed, injected, fault('undo-failed'), fault('undone')).length, 0);
    const two = [armed, injected, fault('armed', 'f2'), fault('undone', 'f2')];
    assert.equal(leftOf(...two).length, 1);
    const killed = historyOf({ baseline: 10 }, { end: undefined, events: two });
    assert.deepEqual(
      [judge(killed, environmentOf()).dirty, judge(killed, environmentOf()).exitCode],
      [true, 5],
    );
  });

  it('is nothing of a fault that cannot be taken back', () => {
    const [armed, injected] = [
      fault('armed', 'f1', 'kill-pod'),
      fault('injected', 'f1', 'kill-pod'),
    ];
    assert.deepEqual(leftOf(armed, injected), []);
  });
});

describe('judge', () => {
  const good: Checker<unknown> = {
    name: 'good',
    params: z.strictObject({ max: z.number().default(3) }),
    check: () => ({ checker: 'good', verdict: 'pass', summary: 'fine', evidence: {}, details: [] }),
  };
  const run = (
    checks: { name: string; params: Record<string, unknown> }[],
    checkers: readonly Checker<unknown>[] = [good, ...ALWAYS],
    events: readonly HistoryEvent[] = [],
    end?: EventOf<'run'>,
  ) => {
    const given = history(events, end);
    return judge({ ...given, plan: { ...given.plan, checks } }, environmentOf(), checkers);
  };
  const GOOD = [{ name: 'good', params: {} }];

  it('passes, with what every run is checked for besides, and says all parameters', () => {
    const result = run(GOOD);
    assert.equal(result.verdict, 'pass');
    assert.equal(result.exitCode, 0);
    assert.deepEqual(
      result.findings.map(({ checker }) => checker),
      ['good', ...ALWAYS.map(({ name }) => name)],
    );
    assert.deepEqual(result.findings[0]?.params, { max: 3 });
    assert.deepEqual(runResultSchema.parse(JSON.parse(JSON.stringify(result))), result);
  });

  it('is inconclusive where a checker crashes, is unknown, or has wrong parameters', () => {
    const crash: Checker<unknown> = {
      ...good,
      check: () => {
        throw new Error('boom');
      },
    };
    const crashed = run(GOOD, [crash, ...ALWAYS]);
    assert.equal(crashed.exitCode, 3);
    assert.match(crashed.findings[0]?.summary ?? '', /crashed: boom/);
    assert.equal(run([{ name: 'other', params: {} }]).verdict, 'inconclusive');
    const wrong = run([{ name: 'good', params: { max: 'many' } }]);
    assert.match(wrong.findings[0]?.summary ?? '', /parameters are wrong/);
  });

  it('has the exit code of what happened to the run', () => {
    const end = (more: Partial<EventOf<'run'>>): EventOf<'run'> => ({
      tMs: 20_100,
      kind: 'run',
      state: 'interrupted',
      ...more,
    });
    const code = (how: EventOf<'run'>, events: HistoryEvent[] = []) =>
      run(GOOD, undefined, events, how).exitCode;
    assert.equal(code(end({ signal: 'SIGTERM' })), 143);
    assert.equal(code(end({})), 130);
    assert.equal(code(end({ state: 'crashed' })), 6);
    assert.equal(code(end({ state: 'crashed', exitCode: 4 })), 4);
    assert.equal(code(end({ signal: 'SIGINT' }), [residue]), 5);
    const killed = historyOf({ baseline: 10 }, { end: undefined });
    assert.equal(judge(killed, environmentOf()).state, 'killed');
    assert.equal(judge(killed, environmentOf()).exitCode, 3);
  });

  it('never passes a history in which nothing happened, whatever is asked of it', () => {
    for (const { name } of CHECKERS.filter((one) => !ALWAYS.includes(one))) {
      const empty = historyOf(
        { baseline: 10, fault: 10 },
        { plan: { checks: [{ name, params: {} }] } },
      );
      assert.equal(judge(empty, environmentOf()).verdict, 'inconclusive', name);
    }
  });

  it('says which versions the nodes reported, each change once', () => {
    const proxy = (tMs: number, version: string): HistoryEvent => ({
      tMs,
      kind: 'proxy',
      node: 'w1',
      mode: 'iptables',
      version,
    });
    const kubelet: HistoryEvent = { tMs: 2, kind: 'kubelet', node: 'w1', version: '1.33.0' };
    const events = [proxy(1, '1.34.3'), kubelet, proxy(2, '1.34.3'), kubelet, proxy(3, '1.34.4')];
    const given = historyOf({ baseline: 10 }, { events, said: [] });
    assert.deepEqual(judge(given, environmentOf()).reported, [
      'w1: kube-proxy 1.34.3, iptables',
      'w1: kubelet 1.33.0',
      'w1: kube-proxy 1.34.4, iptables',
    ]);
  });
});
