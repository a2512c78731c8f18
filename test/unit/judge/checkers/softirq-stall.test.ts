import assert from 'node:assert/strict';
import type { HistoryEvent, Sample } from '../../../../harness/core/history.ts';
import { softirqStall } from '../../../../harness/judge/checkers/softirq-stall.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith } from '../../../support/judge-with.ts';

const ESTIMATION = 'timer:estimation_timer[ip_vs]';
const PARAMS = { during: 'ipvs-table', max: '4ms', perMinuteMax: 6 };

/** What is counted in a second: bucket to runs. */
type Counts = Record<string, number>;
/** Handlers that are there on any node, and quick. */
const QUIET: Counts = { 'timer:process_timeout.64': 20, 'timer:delayed_work_timer_fn.128': 5 };

/** A reading each second from 10 s, the first phase's start, to 100 s. */
function samplesOf(of: (second: number) => Counts, node = 'w1'): Sample[] {
  const counted: Counts = { 'timer.dropped': 0 };
  return Array.from({ length: 91 }, (_, index) => 10 + index).map((second) => {
    for (const [key, runs] of Object.entries({ ...QUIET, ...of(second) }))
      counted[key] = (counted[key] ?? 0) + runs;
    return { tMs: second * 1_000, node, probe: 'softirq-times', values: { ...counted } };
  });
}

/** In force from 30 s on; its undo begins at 90 s. */
const TABLE: HistoryEvent[] = [
  { tMs: 30_000, kind: 'fault', id: 'f2', fault: 'ipvs-table', node: 'w1', state: 'injected' },
  {
    ...{ tMs: 90_000, kind: 'felt', id: 'f2', disruption: 'ipvs-table', node: 'w1' },
    ...{ felt: true, evidence: 'listed' },
  },
  { tMs: 99_000, kind: 'fault', id: 'f2', fault: 'ipvs-table', node: 'w1', state: 'undone' },
];
const loaded = (second: number): boolean => second > 30 && second <= 90;
const history = (samples: readonly Sample[], events: readonly HistoryEvent[] = TABLE) =>
  historyOf({ baseline: 20, loaded: 70 }, { samples, events });
const verdictOf = (of: (second: number) => Counts, params: Record<string, unknown> = {}) =>
  judgeWith(softirqStall, history(samplesOf(of)), { ...PARAMS, ...params });

/** Each two seconds, as kernels before 6.2 do. */
const estimating = (bucket: number) => (second: number) =>
  second % 2 === 0 ? { [`${ESTIMATION}.${loaded(second) ? bucket : 64}`]: 1 } : {};

describe('softirq-stall', () => {
  it('fails where one handler held a CPU for too long, again and again, and says which and how long', () => {
    const finding = verdictOf(estimating(16_384));
    assert.equal(finding.verdict, 'fail');
    assert.match(
      finding.summary,
      /w1: estimation_timer\[ip_vs\] held a CPU for longer than 4ms 30 times a minute \(limit 6; 0 in the baseline\)/,
    );
    assert.match(finding.summary, /: of 30 runs 30 took 8\.2 to 16\.4 ms$/);
    assert.equal(finding.evidence['slowest'], 'estimation_timer[ip_vs]');
    assert.equal(finding.evidence['slowestPerMinute'], 30);
  });

  it('passes where the same handler is quick, and where it is not there at all', () => {
    for (const of of [estimating(512), () => ({})]) {
      const finding = verdictOf(of);
      assert.equal(finding.verdict, 'pass', finding.summary);
    }
  });

  it('takes a bucket for too long only where all of it is', () => {
    assert.equal(verdictOf(estimating(8_192)).verdict, 'fail');
    assert.equal(verdictOf(estimating(4_096)).verdict, 'pass');
    assert.equal(verdictOf(estimating(8_192), { max: '5ms' }).verdict, 'pass');
  });

  it('does not take a machine that was put aside now and then for a slow handler', () => {
    // Five times in a minute each, and long: not what a handler does by itself.
    const noisy = (second: number): Counts =>
      second % 12 === 0 ? { 'timer:process_timeout.65536': 1, [`${ESTIMATION}.131072`]: 1 } : {};
    const finding = verdictOf(noisy);
    assert.equal(finding.verdict, 'pass', finding.summary);
    assert.equal(finding.evidence['longestMs'], 131.072);
    assert.equal(verdictOf(noisy, { perMinuteMax: 3 }).verdict, 'inconclusive');
  });

  it('blames nobody for what was slow in the baseline already', () => {
    const finding = verdictOf((second) => (second % 2 === 0 ? { [`${ESTIMATION}.16384`]: 1 } : {}));
    assert.equal(finding.verdict, 'inconclusive');
    assert.match(finding.summary, /without ipvs-table it is slow too/);
  });

  it('says how often others had to wait meanwhile, which is no verdict', () => {
    const finding = verdictOf((second) =>
      loaded(second) && second % 6 === 0 ? { 'wait:NET_RX.8192': 1, 'wait:SCHED.512': 9 } : {},
    );
    assert.equal(finding.verdict, 'pass');
    assert.equal(finding.evidence['waitsPerMinute'], 10);
    assert.match(
      finding.details.join('\n'),
      /softirqs waited for longer than 4ms 10 times a minute \(0 in the baseline\)/,
    );
  });

  it('counts nothing before the fault and nothing while it is undone', () => {
    const outside = verdictOf((second) =>
      second > 91 || second === 30 ? { [`${ESTIMATION}.65536`]: 50 } : {},
    );
    assert.equal(outside.verdict, 'pass', outside.summary);
  });

  it('is inconclusive where nothing happened, was read, or had room', () => {
    const samples = samplesOf(estimating(16_384));
    const without = judgeWith(softirqStall, history(samples, []), PARAMS);
    assert.equal(without.verdict, 'inconclusive');
    assert.match(without.summary, /no ipvs-table happened/);
    const unread = judgeWith(softirqStall, history([]), PARAMS);
    assert.match(unread.summary, /were not read under ipvs-table/);
    const other = judgeWith(softirqStall, history(samplesOf(estimating(16_384), 'w2')), PARAMS);
    assert.match(other.summary, /were not read/);
    const late = samples.filter(({ tMs }) => tMs > 30_000);
    assert.match(
      judgeWith(softirqStall, history(late), PARAMS).summary,
      /not read in phase baseline/,
    );
    const quick = samplesOf(() => ({ 'timer.dropped': 1 }));
    assert.match(judgeWith(softirqStall, history(quick), PARAMS).summary, /found no room/);
    const short = samples.filter(({ tMs }) => tMs < 40_000);
    const quiet = short.map((one) => ({ ...one, values: { ...QUIET } }));
    const finding = judgeWith(softirqStall, history(quiet), PARAMS);
    assert.equal(finding.verdict, 'inconclusive');
    assert.match(finding.details.join('\n'), /only 9s under ipvs-table were counted, wanted 20s/);
    assert.match(finding.details.join('\n'), /only 0 runs were counted/);
    assert.match(
      judgeWith(softirqStall, history(samples), { ...PARAMS, baseline: 'calm' }).details.join('\n'),
      /there is no phase calm/,
    );
  });
});
