import assert from 'node:assert/strict';
import { kubeProxyLog } from '../../../../harness/judge/checkers/kube-proxy-log.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith } from '../../../support/judge-with.ts';

const FINE = 'I1122 12:35:07.000333   18144 server.go:201] "Version info" version="v1.34.3"\n';
const history = (w1: string, w2 = FINE) =>
  historyOf({ baseline: 10 }, { logs: { 'kube-proxy/w1.log': w1, 'kube-proxy/w2.log': w2 } });

describe('kube-proxy-log', () => {
  it('passes on a quiet log, with the advice that every start prints', () => {
    const advice =
      'E1122 12:35:07.000333   18144 server.go:256] "Kube-proxy configuration may be incomplete or incorrect" err="nodePortAddresses is unset"\n';
    const finding = judgeWith(kubeProxyLog, history(FINE + advice));
    assert.equal(finding.verdict, 'pass');
    assert.equal(finding.evidence['benign'], 1);
  });

  const bad = [
    'E1122 12:35:07.000333       1 proxier.go:1575] "Failed to execute iptables-restore" err="exit status 4"',
    'F1122 12:35:07.000333       1 server.go:9] cannot go on',
    '2026-11-22T12:35:07.1Z stderr F E1122 12:35:07.000333       1 proxier.go:1] "sync failed"',
    'I1122 12:35:07.000333       1 graceful_termination.go:90] Try delete rs "x" err: Failed to delete rs "x", can\'t find the real server',
    'panic: runtime error: invalid memory address',
  ];
  for (const line of bad) {
    it(`fails on: ${line.slice(0, 70)}`, () => {
      const finding = judgeWith(kubeProxyLog, history(FINE, `${FINE}${line}\n`));
      assert.equal(finding.verdict, 'fail');
      assert.ok(finding.summary.startsWith('w2.log: '));
      assert.equal(judgeWith(kubeProxyLog, history(`${line}\n`), { max: 1 }).verdict, 'pass');
    });
  }

  it('takes further patterns, and refuses what is none', () => {
    assert.equal(judgeWith(kubeProxyLog, history(FINE), { patterns: ['Version'] }).verdict, 'fail');
    assert.throws(() => judgeWith(kubeProxyLog, history(FINE), { patterns: ['('] }));
  });

  it('is inconclusive where a log is missing or empty', () => {
    assert.equal(judgeWith(kubeProxyLog, historyOf({ baseline: 10 })).verdict, 'inconclusive');
    assert.equal(judgeWith(kubeProxyLog, history(FINE, '\n')).verdict, 'inconclusive');
    const other = historyOf({ baseline: 10 }, { logs: { 'kubelet/w1.log': FINE } });
    assert.equal(judgeWith(kubeProxyLog, other).verdict, 'inconclusive');
  });
});
