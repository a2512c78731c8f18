import assert from 'node:assert/strict';
import type { HistoryEvent } from '../../../../harness/core/history.ts';
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
    const finding = judgeWith(dns, withLoad([...events, gap]));
    assert.equal(finding.verdict, 'pass');
    assert.equal(finding.evidence['lookupsVoided'], 505);
    const elsewhere = { ...gap, node: 'w2' };
    assert.equal(judgeWith(dns, withLoad([...events, elsewhere])).verdict, 'fail');

    const phases = historyOf(
      { baseline: 10, fault: 10, after: 10 },
      { events: loadSeconds(10, 40, BASE, (second) => (second === 31 ? slept : good(100))) },
    );
    assert.equal(judgeWith(dns, phases, { except: ['fault'] }).verdict, 'fail');
    assert.equal(judgeWith(dns, phases, { except: ['fault'], grace: '5s' }).verdict, 'pass');
  });
});
