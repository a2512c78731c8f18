import assert from 'node:assert/strict';
import type { EventOf, HistoryEvent } from '../../../../harness/core/history.ts';
import type { Plan } from '../../../../harness/core/plan.ts';
import { asPlanned } from '../../../../harness/judge/checkers/as-planned.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith } from '../../../support/judge-with.ts';

const proxy = (node: string, version = '1.34.3', mode = 'iptables', tMs = 9_000): HistoryEvent => ({
  ...{ tMs, kind: 'proxy', node, version, mode },
});
const kubelet = (node: string, version = '1.34.3', tMs = 8_000): HistoryEvent => ({
  ...{ tMs, kind: 'kubelet', node, version },
});
const BOTH = [proxy('w1'), proxy('w2'), kubelet('w1'), kubelet('w2')];
const judged = (
  said: readonly HistoryEvent[],
  plan: Partial<Plan> = {},
  end?: EventOf<'run'>,
  phases: Record<string, number> = { baseline: 10, up: 10 },
) => judgeWith(asPlanned, historyOf(phases, { plan, said, ...(end === undefined ? {} : { end }) }));

describe('as-planned', () => {
  it('passes where every node says what the plan says of it', () => {
    const { verdict, summary, evidence } = judged(BOTH);
    assert.equal(verdict, 'pass', summary);
    assert.match(summary, /2 nodes .* kube-proxy 1\.34\.3, iptables; kubelet 1\.34\.3/);
    assert.deepEqual(evidence, { kubeProxies: 2, kubelets: 2 });
  });

  it('is inconclusive for another kube-proxy or mode than the plan has', () => {
    const components = { kubernetes: '1.34.3', 'kube-proxy': '1.13.1' };
    const plan: Partial<Plan> = { nodes: 1, proxyMode: 'ipvs', components };
    const one = (version: string, mode: string) =>
      judged([proxy('w1', version, mode), kubelet('w1')], plan);
    assert.equal(one('1.13.1', 'ipvs').verdict, 'pass');
    for (const [version, mode] of [
      ['1.34.3', 'ipvs'],
      ['1.13.1', 'iptables'],
      ['unknown', 'unknown'],
      ['1.13.1', ''],
    ] as const)
      assert.equal(one(version, mode).verdict, 'inconclusive', `${version} ${mode}`);
    assert.match(
      one('1.34.3', 'iptables').summary,
      /^w1: kube-proxy says 1\.34\.3, iptables; the plan says 1\.13\.1, ipvs$/,
    );
    assert.match(one('unknown', 'unknown').summary, /^w1: kube-proxy did not say what it is/);
  });

  it('takes the word of its log for a kube-proxy that did not answer', () => {
    const by = (log: string) => {
      const said = [proxy('w1', 'unknown', 'unknown'), kubelet('w1')];
      const logs = { 'kube-proxy/w1.log': log };
      return judgeWith(asPlanned, historyOf({ baseline: 10 }, { plan: { nodes: 1 }, said, logs }));
    };
    const at = '2026-11-29T03:11:13.69Z I1129 03:11:13.67 1';
    const now = (mode: string) =>
      `${at} server.go:677] "Version info" version="v1.34.3"\n${at} server_linux.go:132] "Using ${mode} Proxier"\n`;
    const old = `${at} server_others.go:189] Using iptables Proxier.\n${at} server.go:464] Version: v1.13.0\n`;
    assert.equal(by(now('iptables')).verdict, 'pass');
    assert.match(by(now('nftables')).summary, /kube-proxy says 1\.34\.3, nftables; the plan/);
    assert.match(
      by(old).summary,
      /^w1: kube-proxy says 1\.13\.0, iptables; the plan says 1\.34\.3/,
    );
    assert.match(by('').summary, /did not say what it is/);
  });

  it('asks each node of kind for the kubelet that is meant for it', () => {
    const components = {
      ...{ kubernetes: '1.34.4', 'kube-proxy': '1.34.3' },
      ...{ kubelet: '1.33.0', 'canary-kubelet': '1.32.1' },
    };
    const names = ['x-control-plane', 'x-worker', 'x-worker2'];
    const kubelets = (...versions: string[]) =>
      judged(
        names.flatMap((node, index) => [proxy(node), kubelet(node, versions[index])]),
        { nodes: 3, components },
      );
    assert.equal(kubelets('1.34.4', '1.32.1', '1.33.0').verdict, 'pass');
    const swapped = kubelets('1.34.4', '1.33.0', '1.32.1');
    assert.equal(swapped.verdict, 'inconclusive');
    assert.match(swapped.summary, /^x-worker: its kubelet says 1\.33\.0; the plan says 1\.32\.1/);
    assert.equal(kubelets('1.33.0', '1.32.1', '1.33.0').verdict, 'inconclusive');
  });

  it('is inconclusive where a node said nothing', () => {
    assert.match(judged(BOTH.slice(1)).summary, /kube-proxy of only 1 of 2 nodes said what it is/);
    assert.match(judged(BOTH.slice(0, 3)).summary, /kubelet of only 1 of 2 nodes said what it is/);
  });

  it('leaves upgrades to upgrade-done, but not a mode that came with one', () => {
    const up = { phases: [{ name: 'up', forMs: 10_000 }] };
    const after = (mode: string) =>
      judged([...BOTH, proxy('w1', '1.34.4', mode, 22_000), kubelet('w1', '1.34.4', 22_000)], up);
    assert.equal(after('iptables').verdict, 'pass');
    assert.match(
      after('nftables').summary,
      /^w1: kube-proxy says 1\.34\.4, nftables; the plan says iptables/,
    );
  });

  it('has one word for a run that never came to its nodes', () => {
    const end: EventOf<'run'> = { tMs: 11_000, kind: 'run', state: 'crashed', detail: 'no agent' };
    const { verdict, summary } = judged([], {}, end, {});
    assert.equal(verdict, 'inconclusive');
    assert.equal(summary, 'no node said what it is');
  });
});
