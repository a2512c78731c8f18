import assert from 'node:assert/strict';
import { logSilence } from '../../../../harness/judge/checkers/log-silence.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith } from '../../../support/judge-with.ts';

const PATTERN = 'Try delete rs "([^"]+)" err: .*can\'t find the real server';
const gone = (rs: string): string =>
  `2026-11-22T12:35:07.1Z E1122 12:35:07.000333       1 graceful_termination.go:89] Try delete rs "${rs}" err: Failed to delete rs "${rs}", can't find the real server\n`;
const FINE =
  'I1122 12:35:07.000333       1 graceful_termination.go:160] Trying to delete rs: 10.96.0.9:80/TCP/10.244.1.1:80\n';
const A = '10.96.0.9:80/TCP/10.244.1.1:80';
const B = '10.96.0.9:80/TCP/10.244.2.1:80';

const history = (w1: string, w2 = FINE) =>
  historyOf({ baseline: 10 }, { logs: { 'kube-proxy/w1.log': w1, 'kube-proxy/w2.log': w2 } });
const judge = (w1: string, params: Record<string, unknown> = {}, w2?: string) =>
  judgeWith(logSilence, history(w1, w2), { pattern: PATTERN, max: 1, ...params });

describe('log-silence', () => {
  it('allows each subject its number, on each node', () => {
    const finding = judge(FINE + gone(A) + gone(B), {}, FINE + gone(A));
    assert.equal(finding.verdict, 'pass');
    assert.equal(finding.evidence['subjects'], 3);
    assert.equal(judge(FINE + gone(A), { max: 0 }).verdict, 'fail');
  });

  it('fails where one is named again and again, and says which', () => {
    const finding = judge(FINE + gone(B) + gone(A).repeat(3));
    assert.equal(finding.verdict, 'fail');
    assert.ok(finding.summary.startsWith(`kube-proxy/w1.log: ${A} was named 3 times (limit 1)`));
    assert.ok(!finding.summary.includes('more)'));
  });

  it('takes a pattern without a group as one subject for each text that it matches', () => {
    const pattern = "can't find the real server";
    assert.equal(judge(FINE + gone(A) + gone(B), { pattern }).verdict, 'fail');
  });

  it('is inconclusive where a log is missing, empty or cut, or shows that it never came to that', () => {
    const inconclusive = [
      judge('', {}),
      judge(`${FINE}coalmine: the log was cut here\n`),
      judge(
        'I1122 12:35:07.000333       1 server.go:1] started\n',
        { proof: 'Trying to delete' },
        'x',
      ),
      judge(FINE, { log: 'kubelet' }),
      judgeWith(logSilence, historyOf({ baseline: 10 }), { pattern: 'x' }),
    ];
    for (const { verdict } of inconclusive) assert.equal(verdict, 'inconclusive');
    assert.equal(judge(FINE, { proof: 'Trying to delete' }).verdict, 'pass');
  });

  it('finds the log of a unit where it is not a folder', () => {
    const logs = { 'w1/kubelet.log': FINE, 'w2/kubelet.log': FINE };
    const finding = judgeWith(logSilence, historyOf({ baseline: 10 }, { logs }), {
      log: 'kubelet',
      pattern: 'Trying',
    });
    assert.equal(finding.verdict, 'fail');
  });

  it('refuses what is no pattern, or one that can take for ever', () => {
    for (const pattern of ['(', '', 'a(?=b)', String.raw`(a)\1`, '(?<!x)y'])
      assert.throws(() => judge(FINE, { pattern }), Error, pattern);
  });
});
