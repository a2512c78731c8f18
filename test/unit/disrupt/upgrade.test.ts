import assert from 'node:assert/strict';
import { hasCode } from '../../../harness/core/errors.ts';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import { kubeProxy } from '../../../harness/disrupt/upgrades/kube-proxy.ts';
import { gitVersion } from '../../../harness/disrupt/upgrades/proxy-version.ts';
import type { UpgradeContext } from '../../../harness/disrupt/upgrades/upgrade.ts';
import { FakeKube, pod } from '../../support/fake-kube.ts';
import { FakeNode } from '../../support/fake-node.ts';

const METRICS = (version: string) =>
  [
    '# TYPE kubernetes_build_info gauge',
    `kubernetes_build_info{build_date="2026-01-01",compiler="gc",git_commit="x",git_version="v${version}",go_version="go1.24",major="1",minor="34",platform="linux/amd64"} 1`,
    'kubeproxy_sync_proxy_rules_duration_seconds_bucket{le="0.001"} 0',
    '',
  ].join('\n');

const image = (version: string): string => `coalmine/kube-proxy:v${version}`;
const LABELS = { 'k8s-app': 'kube-proxy' };

/** Two nodes; the DaemonSet controller makes a new pod where one is deleted, and kube-proxy there says its image's version. */
function cluster(strategy = 'OnDelete'): { kube: FakeKube; canary: FakeNode } {
  const kube = new FakeKube();
  const canary = new FakeNode('w1');
  const template = (version: string) => ({
    spec: {
      containers: [
        { name: 'kube-proxy', image: image(version), args: ['--v=2'] },
        { name: 'sidecar', image: 'other' },
      ],
    },
  });
  kube.put({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'kube-proxy', namespace: 'kube-system' },
    spec: { updateStrategy: { type: strategy }, template: template('1.34.3') },
  });
  for (const node of ['w1', 'w2']) {
    const more = { labels: LABELS, image: image('1.34.3') };
    kube.put(pod(`kube-proxy-${node}`, 'kube-system', node, more));
  }
  let made = 0;
  kube.onChange = (verb, object) => {
    if (verb !== 'delete') return;
    const node = (object['spec'] as { nodeName: string }).nodeName;
    const { containers } = (
      kube.objects.get('DaemonSet/kube-system/kube-proxy')?.['spec'] as {
        template: { spec: { containers: { image: string }[] } };
      }
    ).template.spec;
    made += 1;
    const more = { labels: LABELS, image: containers[0]!.image };
    kube.put(pod(`kube-proxy-new-${made}`, 'kube-system', node, more));
    const version = containers[0]!.image.split(':v')[1]!;
    canary.programs.set('curl', () => `${METRICS(version)}nftables`);
  };
  return { kube, canary };
}

function upgrading(kube: FakeKube): { context: UpgradeContext; events: HistoryEvent[] } {
  const events: HistoryEvent[] = [];
  const context = {
    id: 'u1',
    kube,
    clock: { startedAt: '', nowMs: () => events.length },
    signal: new AbortController().signal,
    image,
    emit: (event: HistoryEvent) => events.push(event),
  };
  return { context, events };
}

function images(kube: FakeKube): string[] {
  return [...kube.objects.values()]
    .filter(({ kind }) => kind === 'Pod')
    .map(({ spec }) => spec as { nodeName: string; containers: { image: string }[] })
    .map(({ nodeName, containers }) => `${nodeName} ${containers[0]!.image}`)
    .sort();
}

describe('disrupt/upgrades/kube-proxy', () => {
  it('changes the canary alone, believes only kube-proxy itself, and rolls back the same way', async () => {
    const { kube, canary } = cluster();
    const { context, events } = upgrading(kube);
    const change = { node: 'w1', agent: canary.agent, from: '1.34.3', to: '1.34.4' };
    await kubeProxy.run(change, context);
    assert.deepEqual(images(kube), [`w1 ${image('1.34.4')}`, `w2 ${image('1.34.3')}`]);
    assert.deepEqual(
      events.map((event) => (event.kind === 'upgrade' ? event.state : event.kind)),
      ['started', 'proxy', 'done', 'felt'],
    );
    const said = events.find((event) => event.kind === 'proxy');
    assert.deepEqual([said?.version, said?.mode], ['1.34.4', 'nftables']);
    const set = JSON.stringify(kube.objects.get('DaemonSet/kube-system/kube-proxy'));
    assert.ok(set.includes('--v=2') && set.includes('sidecar'), set);
    await kubeProxy.run({ ...change, from: '1.34.4', to: '1.34.3' }, context);
    assert.deepEqual(images(kube), [`w1 ${image('1.34.3')}`, `w2 ${image('1.34.3')}`]);
  });

  it('refuses a DaemonSet that would replace kube-proxy everywhere', async () => {
    const { kube, canary } = cluster('RollingUpdate');
    const { context, events } = upgrading(kube);
    const change = { node: 'w1', agent: canary.agent, from: '1.34.3', to: '1.34.4' };
    await assert.rejects(kubeProxy.run(change, context), (error) => hasCode(error, 'inject'));
    assert.deepEqual(kube.requests, []);
    assert.deepEqual(
      events.map((event) => (event.kind === 'upgrade' ? event.state : event.kind)),
      ['started', 'failed', 'felt'],
    );
    assert.ok(events.at(-1)?.kind === 'felt');
  });

  it('does not believe a Ready pod whose kube-proxy says the old version', async () => {
    const { kube, canary } = cluster();
    const { context, events } = upgrading(kube);
    const { agent } = canary;
    const lying = {
      ...agent,
      run: () =>
        Promise.resolve({ exitCode: 0, signal: null, stdout: METRICS('1.34.3'), stderr: '' }),
    };
    const change = { node: 'w1', agent: lying, from: '1.34.3', to: '1.34.4' };
    await assert.rejects(
      kubeProxy.run(change, { ...context, answerTimeoutMs: 1 }),
      (error) => hasCode(error, 'deadline') && error.message.includes('it says 1.34.3'),
    );
    const felt = events.at(-1);
    assert.ok(felt?.kind === 'felt' && !felt.felt);
  });

  it('reads the version out of the metrics, or nothing', () => {
    assert.equal(gitVersion(METRICS('1.34.4')), '1.34.4');
    assert.equal(gitVersion('kubernetes_build_info{major="1"} 1'), undefined);
    // As kube-proxy 1.13 writes it.
    const old = 'kubernetes_build_info{gitCommit="x",gitVersion="v1.13.0",goVersion="go1.26"} 1';
    assert.equal(gitVersion(old), '1.13.0');
    assert.equal(gitVersion('# HELP x git_version="v1"\n'), undefined);
    assert.equal(gitVersion(''), undefined);
  });
});
