/** The checkers that every run has: run-complete, load-arrived, upgrade-done, clean-node; self-noise has a file of its own. */
import assert from 'node:assert/strict';
import type { EventOf, HistoryEvent } from '../../../../harness/core/history.ts';
import { cleanNode } from '../../../../harness/judge/checkers/clean-node.ts';
import { loadArrived } from '../../../../harness/judge/checkers/load-arrived.ts';
import { runComplete } from '../../../../harness/judge/checkers/run-complete.ts';
import { upgradeDone } from '../../../../harness/judge/checkers/upgrade-done.ts';
import { judge } from '../../../../harness/judge/judge.ts';
import { environmentOf, historyOf } from '../../../support/history.ts';
import { judgeWith, loadSeconds } from '../../../support/judge-with.ts';

describe('run-complete', () => {
  it('passes when all phases ended', () => {
    assert.equal(judgeWith(runComplete, historyOf({ baseline: 10, fault: 5 })).verdict, 'pass');
  });

  it('is inconclusive for a run that was interrupted, crashed, killed, or had nothing to do', () => {
    const end = (state: 'interrupted' | 'crashed'): EventOf<'run'> => ({
      tMs: 21_000,
      kind: 'run',
      state,
      detail: 'why',
    });
    for (const state of ['interrupted', 'crashed'] as const) {
      const finding = judgeWith(runComplete, historyOf({ baseline: 10 }, { end: end(state) }));
      assert.equal(finding.verdict, 'inconclusive');
      assert.match(finding.summary, new RegExp(`the run was ${state}: why`));
    }
    const killed = historyOf({ baseline: 10 }, { end: undefined });
    assert.equal(judgeWith(runComplete, killed).verdict, 'inconclusive');
    assert.equal(judgeWith(runComplete, historyOf({})).verdict, 'inconclusive');
    const whole = historyOf({ baseline: 10, fault: 5 });
    const events = whole.events.filter((one) => one.kind !== 'phase' || one.phase !== 'fault');
    assert.match(judgeWith(runComplete, { ...whole, events }).summary, /phase fault did not end/);
  });

  it('is inconclusive for a run that ended early, whatever it calls its end', () => {
    const end: EventOf<'run'> = { tMs: 32_000, kind: 'run', state: 'ended', detail: 'no flood' };
    const early = judgeWith(runComplete, historyOf({ baseline: 20 }, { end }));
    assert.equal(early.verdict, 'inconclusive');
    assert.match(early.summary, /ended early: no flood/);
  });

  it('is inconclusive where a phase was shorter than planned', () => {
    const lasting = (seconds: number) =>
      judgeWith(
        runComplete,
        historyOf({ baseline: 10, fault: seconds }, { phases: { fault: { forMs: 60_000 } } }),
      );
    assert.match(lasting(1).summary, /phase fault was over after 1s of 1m/);
    assert.equal(lasting(59.8).verdict, 'inconclusive');
    // A timer may be early by as much as a clock is coarse.
    assert.equal(lasting(59.998).verdict, 'pass');
    assert.equal(lasting(75).verdict, 'pass');
  });

  it('leaves a run that failed a failed one: an upgrade that did not come up ends it early', () => {
    const at = { kind: 'upgrade', id: 'u1', component: 'kube-proxy', node: 'w1' } as const;
    const versions = { from: '1.34.3', to: '1.34.4' };
    const upgrade = { component: 'kube-proxy', to: '1.34.4', on: 'canary' as const };
    const history = historyOf(
      { upgrade: 5 },
      {
        phases: { upgrade: { forMs: 60_000, upgrade } },
        events: [
          { tMs: 11_000, ...at, ...versions, state: 'started' },
          { tMs: 14_000, ...at, ...versions, state: 'failed', detail: 'no such image' },
        ],
        end: { tMs: 16_000, kind: 'run', state: 'ended', detail: 'no such image' },
      },
    );
    assert.equal(judge(history, environmentOf()).verdict, 'fail');
  });
});

describe('load-arrived', () => {
  const PLAN = {
    load: [{ id: 'pairs', name: 'dns-pairs', params: {}, from: 'worker' as const }],
    checks: [{ name: 'dns', params: {} }],
  };
  const BASE = { load: 'pairs', type: 'dns', node: 'w1' } as const;
  const one = () => ({ sent: 1, ok: 1 });
  const history = (events: readonly HistoryEvent[], plan: Partial<typeof PLAN> = PLAN) =>
    historyOf({ baseline: 10, fault: 10 }, { plan, events });

  it('passes when every load ran through all phases', () => {
    assert.equal(judgeWith(loadArrived, history(loadSeconds(10, 30, BASE, one))).verdict, 'pass');
    assert.equal(judgeWith(loadArrived, history([], {})).verdict, 'pass');
  });

  it('is inconclusive where the load is off and a check is about traffic', () => {
    const finding = judgeWith(loadArrived, history([], { ...PLAN, load: [] }));
    assert.equal(finding.verdict, 'inconclusive');
    assert.match(finding.summary, /dns judges traffic, and none was sent/);
  });

  it('is inconclusive where a load was silent, ended early or skipped a phase', () => {
    const dead: HistoryEvent = {
      tMs: 25_000,
      kind: 'load-ended',
      load: 'pairs',
      node: 'w1',
      detail: 'exit 1',
    };
    const cases = [
      loadSeconds(10, 30, BASE, () => ({})),
      loadSeconds(10, 30, { ...BASE, type: 'http' }, one),
      loadSeconds(10, 18, BASE, one),
      [...loadSeconds(10, 25, BASE, one), dead],
    ];
    for (const events of cases) {
      assert.equal(judgeWith(loadArrived, history(events)).verdict, 'inconclusive');
    }
  });
});

describe('load-arrived, of a load that is on two nodes', () => {
  const PLAN = { load: [{ id: 'pairs', name: 'dns-pairs', params: {}, from: 'all' as const }] };
  const base = (node: string) => ({ load: 'pairs', type: 'dns', node }) as const;
  const one = () => ({ sent: 1, ok: 1 });
  const ready = ['w1', 'w2'].map((node): HistoryEvent => ({
    ...{ tMs: 9_000, kind: 'load-ready', load: 'pairs', node },
  }));
  const whole = [...ready, ...loadSeconds(9, 130, base('w1'), one)];
  const judged = (...events: HistoryEvent[]) =>
    judgeWith(
      loadArrived,
      historyOf({ baseline: 30, last: 90 }, { plan: PLAN, events: [...whole, ...events] }),
    );

  it('passes when both spoke all the time', () => {
    assert.equal(judged(...loadSeconds(9, 130, base('w2'), one)).verdict, 'pass');
    const hung = loadSeconds(9, 130, base('w2'), (second) => ({ sent: second === 60 ? 0 : 1 }));
    assert.equal(judged(...hung).verdict, 'pass');
  });

  it('is inconclusive where one of them was ready and then never said a line', () => {
    const { verdict, summary } = judged();
    assert.equal(verdict, 'inconclusive');
    assert.equal(summary, 'load pairs on w2 sent nothing');
  });

  it('is inconclusive where one of them fell silent, however many phases its lines touch', () => {
    const { verdict, summary } = judged(...loadSeconds(9, 41, base('w2'), one));
    assert.equal(verdict, 'inconclusive');
    assert.equal(summary, 'load pairs on w2 said nothing for 89s, from 41s to 130s');
    const between = judged(
      ...loadSeconds(9, 50, base('w2'), one),
      ...loadSeconds(54, 130, base('w2'), one),
    );
    assert.match(between.summary, /said nothing for 4s, from 50s to 54s$/);
    assert.match(judged(...loadSeconds(14, 130, base('w2'), one)).summary, /from 10s to 14s$/);
  });

  it('asks for no line while the node slept, nor for one a second', () => {
    const spoke = [
      ...loadSeconds(9, 50, base('w2'), one),
      ...loadSeconds(60, 130, base('w2'), one),
    ];
    const gap = (gapMs: number): HistoryEvent => ({
      ...{ tMs: 60_000, kind: 'agent-gap', node: 'w2', fromMs: 51_000, gapMs },
    });
    assert.equal(judged(...spoke, gap(8_000)).verdict, 'pass');
    assert.equal(judged(...spoke, gap(6_000)).verdict, 'inconclusive');
    // A user of k6 waits for its slow request, and says so in one line.
    const [slow] = loadSeconds(50, 51, base('w2'), () => ({ sent: 1, ok: 1, toMs: 60_000 }));
    assert.ok(slow);
    assert.equal(judged(...spoke, slow).verdict, 'pass');
  });
});

describe('upgrade-done', () => {
  const phases = { up: { upgrade: { component: 'kube-proxy', to: '1.34.4', on: 'all' as const } } };
  const upgrade = (node: string, state: 'started' | 'done' | 'failed'): HistoryEvent => ({
    tMs: 12_000,
    kind: 'upgrade',
    id: 'u1',
    component: 'kube-proxy',
    node,
    from: '1.34.3',
    to: '1.34.4',
    state,
  });
  const verdict = (...events: HistoryEvent[]) =>
    judgeWith(upgradeDone, historyOf({ up: 10 }, { phases, events })).verdict;

  it('passes when every upgrade came up, or there was none', () => {
    assert.equal(verdict(upgrade('w1', 'started'), upgrade('w1', 'done')), 'pass');
    assert.equal(judgeWith(upgradeDone, historyOf({ baseline: 1 })).verdict, 'pass');
  });

  it('fails when one did not', () => {
    assert.equal(verdict(upgrade('w1', 'started'), upgrade('w1', 'failed')), 'fail');
  });

  it('is inconclusive when one never began or never ended', () => {
    assert.equal(verdict(), 'inconclusive');
    assert.equal(verdict(upgrade('w1', 'started'), upgrade('w2', 'done')), 'inconclusive');
  });
});

describe('clean-node', () => {
  const proof = (node: string, missing: string[] = []): HistoryEvent => ({
    tMs: 21_000,
    kind: 'node-compared',
    node,
    compared: ['iptables'],
    missing,
  });
  const judged = (...proofs: HistoryEvent[]) =>
    judgeWith(cleanNode, historyOf({ baseline: 10 }, { proofs }));

  it('passes where every node was compared with how it was', () => {
    const { verdict, evidence } = judged(proof('w1'), proof('w2'));
    assert.deepEqual([verdict, evidence], ['pass', { nodes: 2, aspects: 2 }]);
  });

  it('is inconclusive where a node was not compared, or not in all', () => {
    assert.equal(judged().verdict, 'inconclusive');
    assert.match(judged(proof('w1')).summary, /only 1 of 2 nodes/);
    const { verdict, summary } = judged(proof('w1'), proof('w2', ['iptables', 'qdiscs']));
    assert.equal(verdict, 'inconclusive');
    assert.match(summary, /^w2 could not be compared .*: iptables, qdiscs/);
  });
});
