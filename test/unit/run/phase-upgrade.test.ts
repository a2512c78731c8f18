/** Which nodes are upgraded; how kube-proxy is upgraded on one is tested with it (test/unit/disrupt/upgrade.test.ts). */
import assert from 'node:assert/strict';
import { hasCode } from '../../../harness/core/errors.ts';
import type { EventOf } from '../../../harness/core/history.ts';
import { installedAtStart, runUpgrade } from '../../../harness/run/phase-upgrade.ts';
import { pod } from '../../support/fake-kube.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { stageOf } from '../../support/stage.ts';

const SELECTED = { 'k8s-app': 'kube-proxy' };
const daemonSet = (image: string) => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'kube-proxy', namespace: 'kube-system' },
  spec: {
    updateStrategy: { type: 'OnDelete' },
    template: { spec: { containers: [{ name: 'kube-proxy', image }] } },
  },
});

/** A cluster in which a deleted kube-proxy comes back with the DaemonSet's image, and says that version. */
function room() {
  const fakes = ['cp', 'w1', 'w2'].map((name) => new FakeNode(name));
  const fake = stageOf(fakes);
  const { kube } = fake;
  const proxyOn = (node: string, name: string, image: string): void => {
    kube.put(pod(name, 'kube-system', node, { labels: SELECTED, image }));
    const version = image.split(':')[1] ?? '';
    fakes
      .find((one) => one.name === node)
      ?.programs.set('curl', () => `kubernetes_build_info{git_version="v${version}"} 1\niptables`);
  };
  kube.put(daemonSet('proxy:1.34.3'));
  for (const { name } of fakes) proxyOn(name, `proxy-${name}`, 'proxy:1.34.3');
  let made = 0;
  kube.onChange = (verb, object) => {
    if (verb !== 'delete') return;
    const { spec } = kube.objects.get('DaemonSet/kube-system/kube-proxy') as ReturnType<
      typeof daemonSet
    >;
    const { nodeName } = object['spec'] as { nodeName: string };
    made += 1;
    proxyOn(nodeName, `new-${made}`, spec.template.spec.containers[0]?.image ?? '');
  };
  const installed = installedAtStart(fake.stage);
  let ids = 0;
  const upgrade = (to: string, on: 'canary' | 'rest' | 'all', component = 'kube-proxy') =>
    runUpgrade(fake.stage, { component, to, on }, installed, () => `u${(ids += 1)}`);
  const story = () =>
    fake.events
      .filter((event): event is EventOf<'upgrade'> => event.kind === 'upgrade')
      .filter(({ state }) => state === 'done')
      .map(({ id, node, from, to }) => `${id} ${node} ${from} → ${to}`);
  return { ...fake, upgrade, story };
}

describe('run/phase-upgrade', () => {
  it('upgrades the canary, then only those that are not there yet, then rolls all back', async () => {
    const { upgrade, story } = room();
    await upgrade('1.34.4', 'canary');
    await upgrade('1.34.4', 'all');
    await upgrade('1.34.3', 'rest');
    assert.deepEqual(story(), [
      'u1 w1 1.34.3 → 1.34.4',
      'u2 cp 1.34.3 → 1.34.4',
      'u3 w2 1.34.3 → 1.34.4',
      'u4 cp 1.34.4 → 1.34.3',
      'u5 w2 1.34.4 → 1.34.3',
    ]);
  });

  it('throws where nothing is due: an upgrade that touches nothing proves nothing', async () => {
    const { upgrade, events, kube } = room();
    await assert.rejects(upgrade('1.34.3', 'all'), (error) => hasCode(error, 'inject'));
    assert.deepEqual([events, kube.requests], [[], []]);
  });

  it('counts a node whose upgrade failed as not upgraded', async () => {
    const { upgrade, story, kube } = room();
    kube.put({
      ...daemonSet('x'),
      spec: { ...daemonSet('x').spec, updateStrategy: { type: 'RollingUpdate' } },
    });
    await assert.rejects(upgrade('1.34.4', 'canary'), (error) => hasCode(error, 'inject'));
    kube.put(daemonSet('proxy:1.34.3'));
    await upgrade('1.34.4', 'canary');
    assert.deepEqual(story(), ['u2 w1 1.34.3 → 1.34.4']);
  });

  it('refuses a component that cannot be upgraded', async () => {
    await assert.rejects(room().upgrade('1', 'all', 'kernel'), (error) => hasCode(error, 'usage'));
  });
});
