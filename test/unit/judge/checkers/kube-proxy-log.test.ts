import assert from 'node:assert/strict';
import { kubeProxyLog } from '../../../../harness/judge/checkers/kube-proxy-log.ts';
import { withoutCriPrefix } from '../../../../harness/providers/kube-proxy-logs.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith } from '../../../support/judge-with.ts';

const KLOG = '1122 12:35:07.000333       1';
const CRI = '2026-11-22T12:35:07.123456789Z stderr F ';
/** As a runtime writes it, and as it is stored in a run. */
const cri = (text: string) => `${CRI}${text}`;
const stored = (text: string) => withoutCriPrefix(cri(text));
const log = (...lines: string[]) => `${lines.join('\n')}\n`;

const INFO = stored(`I${KLOG} server.go:201] "Version info" version="v1.34.3"`);
const FINE = log(INFO);
const history = (w1: string, w2 = FINE) =>
  historyOf({ baseline: 10 }, { logs: { 'kube-proxy/w1.log': w1, 'kube-proxy/w2.log': w2 } });

describe('kube-proxy-log', () => {
  const benign = [
    `E${KLOG} server.go:256] "Kube-proxy configuration may be incomplete or incorrect" err="nodePortAddresses is unset"`,
    `E${KLOG} metrics.go:406] "failed to collect nfacct counter" err="object not found" counter="localhost_nps_accepted_pkts"`,
    `E${KLOG} proxier.go:395] Error removing pure-iptables proxy rule: error checking rule: exit status 2: iptables v1.8.9 (nf_tables): Chain 'KUBE-SERVICES' does not exist`,
    `E${KLOG} proxier.go:259] Error removing userspace rule: error checking rule: exit status 2: iptables v1.8.9 (nf_tables): Chain 'KUBE-NODEPORT-NON-LOCAL' does not exist`,
    `E${KLOG} reflector.go:205] "Failed to watch" err="connection refused" type="*v1.Service"`,
  ];
  for (const line of benign) {
    it(`passes with, and counts: ${line.slice(25, 95)}`, () => {
      for (const as of [line, stored(line), cri(line)]) {
        const finding = judgeWith(kubeProxyLog, history(log(INFO, as)));
        assert.equal(finding.verdict, 'pass');
        assert.equal(finding.evidence['benign'], 1);
      }
    });
  }

  const bad = [
    `E${KLOG} proxier.go:1575] "Failed to execute iptables-restore" err="exit status 4"`,
    `E${KLOG} proxier.go:1] "sync failed"`,
    `F${KLOG} server.go:9] cannot go on`,
    `I${KLOG} graceful_termination.go:90] Try delete rs "x" err: Failed to delete rs "x", can't find the real server`,
    'panic: runtime error: invalid memory address',
    `E${KLOG} metrics.go:406] "failed to collect nfacct counter" err="permission denied"`,
    `E${KLOG} proxier.go:395] Error removing pure-iptables proxy rule: error checking rule: exit status 4`,
  ];
  for (const line of bad) {
    it(`fails on: ${line.slice(0, 90)}`, () => {
      for (const as of [line, stored(line), cri(line)]) {
        const finding = judgeWith(kubeProxyLog, history(FINE, log(INFO, as)));
        assert.equal(finding.verdict, 'fail', as);
        assert.ok(finding.summary.startsWith('w2.log: '));
        assert.equal(judgeWith(kubeProxyLog, history(log(as)), { max: 1 }).verdict, 'pass');
      }
    });
  }

  it('takes no word within a line for its severity', () => {
    const quoted = [`I${KLOG} x.go:1] "said" it="E${KLOG} y.go:2] no"`, 'a panic: no'];
    assert.equal(judgeWith(kubeProxyLog, history(log(...quoted.map(stored)))).verdict, 'pass');
  });

  it('takes further patterns, and refuses what is none', () => {
    assert.equal(judgeWith(kubeProxyLog, history(FINE), { patterns: ['Version'] }).verdict, 'fail');
    assert.throws(() => judgeWith(kubeProxyLog, history(FINE), { patterns: ['('] }));
  });

  it('is inconclusive where a log is missing, empty or cut', () => {
    assert.equal(judgeWith(kubeProxyLog, historyOf({ baseline: 10 })).verdict, 'inconclusive');
    assert.equal(judgeWith(kubeProxyLog, history(FINE, '\n')).verdict, 'inconclusive');
    const other = historyOf({ baseline: 10 }, { logs: { 'kubelet/w1.log': FINE } });
    assert.equal(judgeWith(kubeProxyLog, other).verdict, 'inconclusive');
    const cut = history(FINE, log(INFO, 'coalmine: the log was cut here'));
    assert.equal(judgeWith(kubeProxyLog, cut).verdict, 'inconclusive');
    assert.match(
      judgeWith(kubeProxyLog, cut).summary,
      /kube-proxy\/w2\.log was too long and lacks its end/,
    );
  });
});
