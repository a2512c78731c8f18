import assert from 'node:assert/strict';
import type { Plan, PluginUse } from '../../../../harness/core/plan.ts';
import { nodeRoles } from '../../../../harness/providers/kind/config.ts';
import { kindNodeNames } from '../../../../harness/providers/kind/early-setup.ts';
import { refusals } from '../../../../harness/providers/kind/refusals.ts';
import { extraKubeProxies, kubeletVersions } from '../../../../harness/providers/kind/versions.ts';
import { imageVersions, kubeProxyVersions } from '../../../../harness/providers/versions.ts';
import { selectNodes } from '../../../../harness/run/nodes.ts';

function plan(components: Record<string, string>, ...upgrades: [string, string][]): Plan {
  const phases = upgrades.map(([component, to], index) => ({
    name: `p${index}`,
    forMs: 1,
    upgrade: { component, to, on: 'canary' as const },
  }));
  return { components, phases } as unknown as Plan;
}

describe('versions of a kind cluster', () => {
  it('take kube-proxy’s from Kubernetes where the plan has none', () => {
    const versions = kubeProxyVersions(plan({ kubernetes: '1.34.3' }));
    assert.deepEqual(versions, { first: '1.34.3', all: ['1.34.3'], suite: 'bookworm' });
    assert.deepEqual(extraKubeProxies(plan({ kubernetes: '1.34.3' })), []);
  });

  it('know every version that kube-proxy will have, once', () => {
    const there = plan(
      { kubernetes: '1.34.3' },
      ['kube-proxy', '1.34.4'],
      ['kube-proxy', '1.34.3'],
    );
    assert.deepEqual(kubeProxyVersions(there).all, ['1.34.3', '1.34.4']);
    assert.deepEqual(extraKubeProxies(there), ['1.34.4']);
  });

  it('bring the Debian release of an iptables version, in images of their own', () => {
    const old = plan({ kubernetes: '1.34.3', iptables: '1.8.7' });
    assert.equal(kubeProxyVersions(old).suite, 'bullseye');
    assert.deepEqual(extraKubeProxies(old), ['1.34.3']);
  });

  it('give each node its kubelet: the control plane its own, and the canary another', () => {
    const of = (nodes: number, components: Record<string, string> = {}) =>
      kubeletVersions({ ...plan({ kubernetes: '1.34.3', ...components }), nodes });
    assert.deepEqual(of(3), ['1.34.3', '1.34.3', '1.34.3']);
    assert.deepEqual(of(3, { kubelet: '1.33.0' }), ['1.34.3', '1.33.0', '1.33.0']);
    const canary = { 'canary-kubelet': '1.34.4' };
    assert.deepEqual(of(3, canary), ['1.34.3', '1.34.4', '1.34.3']);
    assert.deepEqual(of(3, { ...canary, kubelet: '1.33.0' }), ['1.34.3', '1.34.4', '1.33.0']);
    assert.deepEqual(of(1, canary), ['1.34.3']);
    const nodes = kindNodeNames('x', 3).map((name, index) => ({
      name,
      role: nodeRoles(3)[index] ?? 'worker',
      addresses: [],
    }));
    const [chosen] = selectNodes(nodes, 'canary');
    assert.equal(of(3, canary)[nodes.findIndex((node) => node === chosen)], '1.34.4');
  });

  it('let the plan choose CoreDNS and etcd', () => {
    assert.equal(
      imageVersions(plan({ kubernetes: '1.34.3', coredns: '1.11.0' })).coredns,
      '1.11.0',
    );
    assert.throws(() => imageVersions(plan({})), /names no version of the component kubernetes/);
  });
});

describe('what kind refuses', () => {
  it('is nothing for the axes that it serves', () => {
    const served = {
      kubernetes: '1.34.3',
      kubelet: '1.33.0',
      'canary-kubelet': '1.34.3',
      'kube-proxy': '1.34.2',
      iptables: '1.8.9',
      coredns: '1.12.1',
    };
    assert.deepEqual(refusals(plan(served, ['kube-proxy', '1.34.4'])), []);
  });

  it('is everything that belongs to the host’s kernel, one sentence each', () => {
    const asked = plan(
      { kubernetes: '1.34.3', kernel: '6.1' },
      ['irqbalance', '1.9'],
      ['kernel', '6.2'],
    );
    const sentences = refusals(asked);
    assert.equal(sentences.length, 2);
    assert.match(sentences[0]!, /share this machine’s kernel/);
    assert.match(sentences[1]!, /irqbalance/);
  });

  it('is a kernel of their own, and a machine’s shape', () => {
    const machine = { cpus: 2, memoryMiB: 2_048, testNics: 4, queues: 1 };
    const sentences = refusals({ ...plan({ kubernetes: '1.34.3' }), ownKernel: true, machine });
    assert.equal(sentences.length, 2);
    assert.match(sentences[0]!, /kernel of their own/);
    assert.match(sentences[1]!, /nodes are containers/);
  });

  it('is the power switch of a machine, once for each fault that needs it', () => {
    const phase = (name: string, fault: string) => ({
      ...{ name, forMs: 1_000, fault: { name: fault, params: {} } },
    });
    const phases = [phase('a', 'reboot'), phase('b', 'power-off'), phase('c', 'reboot')];
    const sentences = refusals({ ...plan({ kubernetes: '1.34.3' }), phases });
    assert.equal(sentences.length, 2);
    assert.match(sentences[0]!, /^reboot switches the machine under a node/);
    assert.match(sentences[1]!, /^power-off switches/);
  });

  it('is whatever else works on a machine of a node’s own, this machine’s interrupts first of all', () => {
    const of = (use: { fault?: PluginUse; churn?: PluginUse }) =>
      refusals({
        ...plan({ kubernetes: '1.34.3' }),
        proxyMode: 'iptables',
        phases: [{ name: 'p', forMs: 1_000, ...use }],
      });
    for (const name of ['pile-irqs', 'flood', 'nic-reattach'])
      assert.match(of({ fault: { name, params: {} } })[0] ?? '', new RegExp(`^${name} .*machine`));
    assert.match(of({ churn: { name: 'irq-mitigation', params: {} } })[0] ?? '', /^irq-mitigation/);
    const freeze = (how: string) => of({ fault: { name: 'freeze', params: { how } } });
    assert.match(freeze('suspend')[0] ?? '', /by pause instead/);
    assert.match(freeze('stall')[0] ?? '', /by pause instead/);
    assert.deepEqual(freeze('pause'), []);
  });

  it('is what works on IPVS rules, where there are none', () => {
    const phases = [
      { name: 'p', forMs: 1, churn: { name: 'drain-reuse', params: {} } },
      { name: 'q', forMs: 1, fault: { name: 'edit-ipvs', params: {} } },
    ];
    const asked = { ...plan({ kubernetes: '1.34.3' }), phases };
    const sentences = refusals({ ...asked, proxyMode: 'nftables' });
    assert.equal(sentences.length, 2);
    for (const sentence of sentences) assert.match(sentence, /say `proxyMode: ipvs`/);
    assert.deepEqual(refusals({ ...asked, proxyMode: 'ipvs' }), []);
  });

  it('is an iptables that no Debian release has, and an upgrade that kind cannot do in place', () => {
    const asked = plan({ kubernetes: '1.34.3', iptables: '1.8.8' }, ['coredns', '1.12.2']);
    const sentences = refusals(asked);
    assert.equal(sentences.length, 2);
    assert.match(sentences[0]!, /coredns cannot be upgraded/);
    assert.match(sentences[1]!, /no Debian release ships iptables 1\.8\.8; there are 1\.8\.7/);
  });
});
