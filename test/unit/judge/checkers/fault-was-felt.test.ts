import assert from 'node:assert/strict';
import type { HistoryEvent } from '../../../../harness/core/history.ts';
import { faultWasFelt } from '../../../../harness/judge/checkers/fault-was-felt.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith } from '../../../support/judge-with.ts';

const PHASES = {
  freeze: { fault: { name: 'freeze', params: { node: 'canary', for: '5s' } } },
  upgrade: { upgrade: { component: 'kube-proxy', to: '1.34.4', on: 'canary' as const } },
  churn: { churn: { name: 'rolling-restart', params: {} } },
};
const felt = (tS: number, id: string, yes: boolean): HistoryEvent => ({
  tMs: tS * 1_000,
  kind: 'felt',
  id,
  disruption: 'x',
  node: 'w1',
  felt: yes,
  evidence: 'it was read',
});
const fault = (tS: number, state: 'armed' | 'injected' | 'undone'): HistoryEvent => ({
  tMs: tS * 1_000,
  kind: 'fault',
  id: 'f1',
  fault: 'freeze',
  node: 'w1',
  state,
});
const gap = (fromS: number, lengthS: number, node = 'w1'): HistoryEvent => ({
  tMs: (fromS + lengthS) * 1_000,
  kind: 'agent-gap',
  node,
  fromMs: fromS * 1_000,
  gapMs: lengthS * 1_000,
});
/** Phases of 10 s each: freeze from 10 s, upgrade from 20 s, churn from 30 s. */
const ALL: HistoryEvent[] = [
  fault(10.5, 'armed'),
  fault(11, 'injected'),
  felt(11.2, 'f1', true),
  gap(10.9, 5.1),
  fault(16.4, 'undone'),
  ...(['started', 'done'] as const).map((state, index): HistoryEvent => ({
    tMs: 21_000 + index * 1_000,
    kind: 'upgrade',
    id: 'u1',
    component: 'kube-proxy',
    node: 'w1',
    from: '1.34.3',
    to: '1.34.4',
    state,
  })),
  felt(23, 'u1', true),
  {
    tMs: 31_000,
    kind: 'churn',
    id: 'c1',
    churn: 'rolling-restart',
    action: 'restart',
    object: 'a',
  },
  felt(33, 'c1', true),
];
const history = (events: readonly HistoryEvent[]) =>
  historyOf({ freeze: 10, upgrade: 10, churn: 10 }, { phases: PHASES, events });
const verdict = (events: readonly HistoryEvent[]) =>
  judgeWith(faultWasFelt, history(events)).verdict;
const without = (kind: string, id?: string) =>
  ALL.filter(
    (event) => event.kind !== kind || (id !== undefined && 'id' in event && event.id !== id),
  );

describe('fault-was-felt', () => {
  it('passes when every disruption has its proof', () => {
    const finding = judgeWith(faultWasFelt, history(ALL));
    assert.equal(finding.verdict, 'pass', finding.summary);
    assert.deepEqual(finding.evidence, { planned: 3, happened: 3, felt: 3 });
  });

  it('passes, and says so, where nothing was to be felt', () => {
    const finding = judgeWith(faultWasFelt, historyOf({ baseline: 10 }));
    assert.equal(finding.verdict, 'pass');
    assert.match(finding.summary, /disrupts nothing/);
  });

  it('is inconclusive, never pass, without a proof', () => {
    for (const id of ['f1', 'u1', 'c1']) {
      assert.equal(verdict(without('felt', id)), 'inconclusive', id);
      assert.equal(verdict([...without('felt', id), felt(39, id, false)]), 'inconclusive', id);
    }
    assert.equal(
      verdict([...without('felt', 'u1'), felt(22, 'u1', false), felt(24, 'u1', true)]),
      'pass',
    );
  });

  it('is inconclusive where a planned disruption never happened', () => {
    for (const kind of ['fault', 'upgrade', 'churn']) {
      assert.equal(verdict(without(kind)), 'inconclusive', kind);
    }
    assert.equal(verdict([]), 'inconclusive');
  });

  it('is inconclusive where a fault was armed on a node and never put in force', () => {
    const other = { ...fault(10.6, 'armed'), id: 'f2', node: 'w2' } as HistoryEvent;
    const finding = judgeWith(faultWasFelt, history([...ALL, other]));
    assert.equal(finding.verdict, 'inconclusive');
    assert.match(finding.summary, /freeze on w2 was never in force/);
  });

  it('is inconclusive where a fault hit fewer nodes than it was for', () => {
    const hit = (index: number): HistoryEvent[] => {
      const at = { id: `f${index}`, node: `w${index}` };
      return [
        { tMs: 11_000, kind: 'fault', ...at, fault: 'flood', state: 'injected' },
        { tMs: 12_000, kind: 'felt', ...at, disruption: 'flood', felt: true, evidence: 'it came' },
      ];
    };
    const flooded = (node: string | undefined, ...on: number[]) => {
      const flood = { name: 'flood', params: node === undefined ? {} : { node } };
      return judgeWith(
        faultWasFelt,
        historyOf(
          { flood: 20 },
          { plan: { nodes: 3 }, phases: { flood: { fault: flood } }, events: on.flatMap(hit) },
        ),
      );
    };
    assert.equal(flooded('all', 1, 2, 3).verdict, 'pass');
    assert.match(flooded('all', 1, 3).summary, /flood of phase flood hit 2 of 3 nodes/);
    assert.equal(flooded('rest', 2, 3).verdict, 'pass');
    assert.equal(flooded('rest', 2).verdict, 'inconclusive');
    // One of the nodes may be a control plane.
    assert.equal(flooded('worker', 1, 2).verdict, 'pass');
    assert.equal(flooded('worker', 1).verdict, 'inconclusive');
    for (const node of ['canary', 'control-plane', undefined])
      assert.equal(flooded(node, 1).verdict, 'pass');
  });

  it('wants a freeze to have been missed by the agent itself, for nearly as long as was asked', () => {
    assert.equal(verdict(without('agent-gap')), 'inconclusive');
    assert.equal(verdict([...without('agent-gap'), gap(11, 4.4)]), 'inconclusive');
    assert.equal(verdict([...without('agent-gap'), gap(11, 4.6)]), 'pass');
    assert.equal(verdict([...without('agent-gap'), gap(10.9, 5.1, 'w2')]), 'inconclusive');
    assert.equal(verdict([...without('agent-gap'), gap(20, 5.1)]), 'inconclusive');
  });

  describe('of a machine, which is held to the millisecond', () => {
    const showing = (as: 'agent-gap' | 'clock-jump', ...more: HistoryEvent[]) =>
      verdict([
        ...without('agent-gap').map((event) =>
          event.kind === 'fault' && event.state === 'injected'
            ? { ...event, shows: { as, forMs: 5_000 } }
            : event,
        ),
        ...more,
      ]);
    const missed = (lengthS: number, tickMs = 5): HistoryEvent => ({
      ...(gap(10.9, lengthS) as Extract<HistoryEvent, { kind: 'agent-gap' }>),
      tickMs,
    });
    const jump = (tS: number, jumpMs: number, errorMs = 4): HistoryEvent => ({
      ...{ tMs: tS * 1_000, kind: 'clock-jump', node: 'w1', jumpMs, errorMs },
    });

    it('wants the gap of a stall to be as long as was asked, to 1 % or 20 ms', () => {
      assert.equal(showing('agent-gap', missed(5.02)), 'pass');
      assert.equal(showing('agent-gap', missed(4.95)), 'pass');
      assert.equal(showing('agent-gap', missed(5.06)), 'inconclusive');
      assert.equal(showing('agent-gap', missed(4.94)), 'inconclusive');
      assert.equal(showing('agent-gap'), 'inconclusive');
      assert.equal(showing('agent-gap', jump(16.1, 5_000)), 'inconclusive');
    });

    it('takes the word of the node’s kernel before that of its busy agent', () => {
      const told = (ms: number, id = 'f1', errorMs = 3): HistoryEvent => ({
        ...{ tMs: 17_000, kind: 'standstill', id, node: 'w1', ms, errorMs },
      });
      assert.equal(showing('agent-gap', missed(5.3), told(5_002)), 'pass');
      assert.equal(showing('agent-gap', told(5_002)), 'pass');
      assert.equal(showing('agent-gap', missed(5.0), told(5_300)), 'inconclusive');
      assert.equal(showing('agent-gap', missed(5.0), told(100)), 'inconclusive');
      assert.equal(showing('agent-gap', missed(5.3), told(5_002, 'f2')), 'inconclusive');
      assert.equal(showing('agent-gap', told(5_002, 'f1', 80)), 'inconclusive');
    });

    it('takes no gap that was not measured closely', () => {
      assert.equal(showing('agent-gap', missed(5.02, 120)), 'inconclusive');
      assert.equal(showing('agent-gap', gap(10.9, 5.02)), 'inconclusive');
    });

    it('wants the clock of a suspended machine to be behind by as much', () => {
      assert.equal(showing('clock-jump', jump(16.1, 5_003)), 'pass');
      assert.equal(showing('clock-jump', jump(16.1, 4_997)), 'pass');
      assert.equal(showing('clock-jump', jump(16.1, 2_500), jump(16.2, 2_505)), 'pass');
      assert.equal(showing('clock-jump', jump(16.1, 5_060)), 'inconclusive');
      assert.equal(showing('clock-jump', jump(16.1, 5_003, 60)), 'inconclusive');
      assert.equal(showing('clock-jump', jump(10, 5_003)), 'inconclusive');
      assert.equal(showing('clock-jump', jump(25, 5_003)), 'inconclusive');
      assert.equal(showing('clock-jump', missed(5.02)), 'inconclusive');
    });
  });

  describe('of a machine that is to boot anew', () => {
    const off = (forMs: number, ...boots: HistoryEvent[]) =>
      judgeWith(
        faultWasFelt,
        history([
          ...without('agent-gap').map((event) =>
            event.kind === 'fault' && event.state === 'injected'
              ? { ...event, shows: { as: 'new-boot' as const, forMs } }
              : event,
          ),
          ...boots,
        ]),
      );
    /** Told at `tS` by a kernel that began at `atS`. */
    const boot = (tS: number, id: string, atS: number): HistoryEvent => ({
      ...{ tMs: tS * 1_000, kind: 'boot', node: 'w1', id, atMs: atS * 1_000, errorMs: 40 },
    });
    const before = boot(2, 'a', -60);

    it('takes its kernel’s word: another id, begun after the fault', () => {
      assert.equal(off(0, before, boot(15, 'b', 12)).verdict, 'pass');
      assert.equal(off(2_000, before, boot(16, 'b', 13.1)).verdict, 'pass');
    });

    it('takes no other word', () => {
      const why = (...given: Parameters<typeof off>): string => {
        const { verdict: is, summary } = off(...given);
        assert.equal(is, 'inconclusive');
        return summary;
      };
      assert.match(why(0, before, boot(15, 'a', -60)), /still has the boot id a: it never went/);
      assert.match(why(0, before), /w1 never said that it booted anew/);
      assert.match(why(0, before, boot(19, 'b', 12)), /never said/);
      assert.match(why(0, boot(15, 'b', 12)), /nobody asked w1 which boot/);
      assert.match(why(0, before, boot(15, 'b', 8)), /began 2\.45s too early/);
      // Off for two seconds from 11 s on, and a kernel that began at 12 s.
      assert.match(why(2_000, before, boot(15, 'b', 12)), /began 950ms too early/);
      assert.match(why(0, before, { ...boot(15, 'b', 12), node: 'w2' } as HistoryEvent), /never/);
    });
  });
});
