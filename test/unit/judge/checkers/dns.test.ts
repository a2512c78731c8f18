import assert from 'node:assert/strict';
import type { EventOf, HistoryEvent } from '../../../../harness/core/history.ts';
import { dns } from '../../../../harness/judge/checkers/dns.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith, loadSeconds } from '../../../support/judge-with.ts';

const BASE = { load: 'pairs', type: 'dns', node: 'w1' } as const;
const good = (count: number) => ({
  sent: count,
  ok: count,
  latenciesMs: Array<number>(count).fill(2),
});
/** Baseline is 10 s to 20 s, fault 20 s to 30 s. */
const withLoad = (events: readonly HistoryEvent[]) =>
  historyOf({ baseline: 10, fault: 10 }, { events });
const steady = loadSeconds(10, 30, BASE, () => good(100));

const freeze = (['armed', 'injected', 'undone'] as const).map((state, index): HistoryEvent => ({
  ...{ tMs: [20_900, 21_000, 25_500][index] ?? 0, kind: 'fault', state },
  ...{ id: 'f1', fault: 'freeze', node: 'w1' },
}));

describe('dns', () => {
  it('passes when every lookup is answered in time', () => {
    const finding = judgeWith(dns, withLoad(steady), { p99Max: '100ms' });
    assert.equal(finding.verdict, 'pass');
    assert.equal(finding.evidence['lookups'], 2_000);
    assert.equal(finding.evidence['p99Ms'], 2);
    assert.match(String(finding.evidence['phase fault']), /0 of 1000 lost/);
    assert.match(String(finding.evidence['pairs on w1']), /0 of 2000 lost/);
  });

  it('fails on loss, and counts a timeout into the distribution', () => {
    const lost = { sent: 50, ok: 0, timeouts: 50, latenciesMs: Array<number>(50).fill(3_000) };
    const finding = judgeWith(
      dns,
      withLoad(loadSeconds(10, 30, BASE, (second) => (second === 25 ? lost : good(100)))),
    );
    assert.equal(finding.verdict, 'fail');
    assert.match(finding.summary, /50 of 1950 lookups were lost/);
    assert.equal(finding.evidence['maxMs'], 3_000);
    assert.equal(finding.evidence['p99Ms'], 3_000);
  });

  it('counts an answer that is none as lost', () => {
    const refused = { sent: 100, ok: 90, errors: { SERVFAIL: 10 } };
    const events = loadSeconds(10, 30, BASE, (second) => (second === 25 ? refused : good(100)));
    const finding = judgeWith(dns, withLoad(events));
    assert.equal(finding.verdict, 'fail');
    assert.equal(finding.evidence['lost'], 10);
  });

  it('fails on one lookup in the 5 s class, which loss and p99 do not show', () => {
    const late = { sent: 100, ok: 100, latenciesMs: [...Array<number>(99).fill(2), 5_003] };
    const events = loadSeconds(10, 30, BASE, (second) => (second === 25 ? late : good(100)));
    const finding = judgeWith(dns, withLoad(events));
    assert.equal(finding.verdict, 'fail');
    assert.match(finding.summary, /1 lookups took about 5 s/);
    assert.equal(judgeWith(dns, withLoad(events), { fiveSecondMax: 1 }).verdict, 'pass');
    assert.equal(judgeWith(dns, withLoad(events), { except: ['fault'] }).verdict, 'pass');
  });

  it('fails on p99', () => {
    const slow = loadSeconds(10, 30, BASE, () => ({ ...good(100), latenciesMs: [300, 2, 2] }));
    assert.equal(judgeWith(dns, withLoad(slow), { p99Max: '100ms' }).verdict, 'fail');
  });

  it('is inconclusive without enough lookups, or with an exception that means nothing', () => {
    assert.equal(judgeWith(dns, withLoad([])).verdict, 'inconclusive');
    assert.equal(judgeWith(dns, withLoad(steady), { lookupsMin: 2_001 }).verdict, 'inconclusive');
    assert.equal(judgeWith(dns, withLoad(steady), { except: ['fualt'] }).verdict, 'inconclusive');
    assert.equal(judgeWith(dns, withLoad(steady), { loads: ['other'] }).verdict, 'inconclusive');
  });

  it('does not judge what a generator timed while its own node slept, nor the grace after a phase', () => {
    const slept = { sent: 5, ok: 0, timeouts: 5, latenciesMs: Array<number>(5).fill(5_000) };
    const events = loadSeconds(10, 30, BASE, (second) => (second === 25 ? slept : good(100)));
    const gap: HistoryEvent = {
      tMs: 25_500,
      kind: 'agent-gap',
      node: 'w1',
      fromMs: 21_000,
      gapMs: 4_500,
    };
    assert.equal(judgeWith(dns, withLoad(events)).verdict, 'fail');
    const finding = judgeWith(dns, withLoad([...events, gap, ...freeze]));
    assert.equal(finding.verdict, 'pass');
    assert.equal(finding.evidence['lookupsVoided'], 505);
    const elsewhere = { ...gap, node: 'w2' };
    assert.equal(judgeWith(dns, withLoad([...events, elsewhere, ...freeze])).verdict, 'fail');

    const phases = historyOf(
      { baseline: 10, fault: 10, after: 10 },
      { events: loadSeconds(10, 40, BASE, (second) => (second === 31 ? slept : good(100))) },
    );
    assert.equal(judgeWith(dns, phases, { except: ['fault'] }).verdict, 'fail');
    assert.equal(judgeWith(dns, phases, { except: ['fault'], grace: '5s' }).verdict, 'pass');
  });
});

describe('dns, where the harness itself is late', () => {
  const canary = { ...BASE, load: 'canary', node: 'w2' } as const;
  const silent = { sent: 40, ok: 0, timeouts: 40, latenciesMs: Array<number>(40).fill(3_000) };
  /** The agent of w2 stands still for so long, every few seconds. */
  const late = (gapMs: number, everyS: number): HistoryEvent[] =>
    Array.from({ length: 20 / everyS }, (_, index) => ({
      ...{ tMs: 30_000, kind: 'agent-gap', node: 'w2' },
      ...{ fromMs: (10 + index * everyS) * 1_000 + 300, gapMs },
    }));
  const judged = (events: readonly HistoryEvent[], noise: Record<string, unknown> = {}) =>
    judgeWith(
      dns,
      historyOf(
        { baseline: 10, fault: 10 },
        {
          plan: { checks: [{ name: 'self-noise', params: noise }] },
          events: [...steady, ...events],
        },
      ),
    );

  it('judges what was timed beside a gap that self-noise does not void', () => {
    const lost = loadSeconds(10, 30, canary, () => silent);
    assert.equal(judged([...lost, ...late(350, 2)]).verdict, 'fail');
    assert.equal(judged([...lost, ...late(2_900, 10)], { agentGapMax: '3s' }).verdict, 'fail');
    const fine = loadSeconds(10, 30, canary, () => good(40));
    assert.equal(judged([...fine, ...late(350, 2)]).evidence['lookupsVoided'], 0);
  });

  it('is inconclusive where too much of one node is void, and says which', () => {
    const fine = loadSeconds(10, 30, canary, () => good(40));
    const noisy = judged([...fine, ...late(600, 4)]);
    assert.equal(noisy.verdict, 'inconclusive');
    assert.match(noisy.summary, /^canary on w2: a share of 0\.5 is void \(limit 0\.3\)/);
    assert.equal(judged([...fine, ...late(600, 20)]).verdict, 'pass');
    assert.equal(judged([...fine, ...late(600, 4)], { voidShareMax: 0.5 }).verdict, 'pass');
    assert.equal(judged([...fine, ...late(600, 4)], { agentGapMax: '1s' }).verdict, 'pass');
  });

  it('does not count what an announced fault voids, but asks for an interval beside it', () => {
    const gap: HistoryEvent = {
      ...{ tMs: 26_000, kind: 'agent-gap', node: 'w1', fromMs: 21_000, gapMs: 4_500 },
    };
    const other = loadSeconds(10, 30, canary, () => good(100));
    assert.equal(judged([...other, ...freeze, gap]).verdict, 'pass');
    const late = loadSeconds(27, 28, { ...BASE, load: 'late' }, () => ({
      ...silent,
      stallMs: 1_500,
    }));
    const early = loadSeconds(10, 20, { ...BASE, load: 'late' }, () => good(10));
    assert.equal(judged([...early, ...late, ...freeze, gap]).verdict, 'pass');
    const only = loadSeconds(22, 26, { ...BASE, load: 'late' }, () => silent);
    const finding = judged([...only, ...freeze, gap]);
    assert.equal(finding.verdict, 'inconclusive');
    assert.match(finding.summary, /^late on w1: no interval is left to judge/);
  });
});

describe('dns, of a place that is quieter than the others', () => {
  const quiet = { ...BASE, load: 'resolver', node: 'w2' } as const;
  const busy = loadSeconds(10, 30, BASE, () => good(3_300));
  /** So many lookups in all, of which so many are bad; 0.1 % of all of them would be 66. */
  const judged = (
    bad: number,
    of: number,
    params: Record<string, unknown> = {},
    how: (count: number) => Partial<EventOf<'load'>> = lost,
  ) => {
    const each = (second: number) => {
      const inBad = second - 10 < Math.ceil((20 * bad) / of);
      return inBad ? how(of / 20) : good(of / 20);
    };
    return judgeWith(dns, withLoad([...busy, ...loadSeconds(10, 30, quiet, each)]), params);
  };
  const lost = (count: number) => ({
    ...{ sent: count, ok: 0, errors: { SERVFAIL: count } },
    latenciesMs: Array<number>(count).fill(2),
  });
  const slow = (count: number) => ({
    ...{ sent: count, ok: count, errors: {}, latenciesMs: Array<number>(count).fill(3_900) },
  });

  it('fails where it lost all, or more than chance explains, and names it', () => {
    const { verdict, summary } = judged(60, 60);
    assert.equal(verdict, 'fail');
    assert.equal(summary, 'resolver on w2: 60 of 60 lookups were lost (100 %, limit 0.1 %)');
    assert.equal(judged(3, 60).verdict, 'fail');
    assert.equal(judged(60, 60, { lossMax: 0 }).verdict, 'fail');
  });

  it('does not fail by the few that its limit allows to any place', () => {
    // One of 20 is 5 %, and would be nothing among all of them.
    assert.equal(judged(1, 20).verdict, 'pass');
    assert.equal(judged(60, 60, { lossMax: 1 }).verdict, 'pass');
    // What is no more than among all counts once, with all.
    assert.match(judged(1, 20, { lossMax: 0 }).summary, /^1 of 66020 lookups were lost/);
  });

  it('fails where it was slow, by more than one in a hundred that chance explains', () => {
    const { verdict, summary } = judged(60, 60, { p99Max: '100ms' }, slow);
    assert.equal(verdict, 'fail');
    assert.equal(summary, 'resolver on w2: p99 of lookups was 3.9s (limit 100ms)');
    assert.equal(judged(1, 20, { p99Max: '100ms' }, slow).verdict, 'pass');
    assert.equal(judged(60, 60, {}, slow).verdict, 'pass');
  });
});
