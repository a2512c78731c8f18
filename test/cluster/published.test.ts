/** Published images, pulled from a registry of the test's own, and brought onto nodes of a real cluster. */
import assert from 'node:assert/strict';
import { makeKubeadmImage } from '../support/published-node.ts';
import { createStore } from '../../harness/components/store.ts';
import { makeKubeProxyImage } from '../../harness/components/image/images.ts';
import type { Plan } from '../../harness/core/plan.ts';
import { hasCode } from '../../harness/core/errors.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { importPulled } from '../../harness/providers/kind/node-setup.ts';
import { pullPublished } from '../../harness/providers/kind/published.ts';
import {
  KUBERNETES,
  NEXT_KUBE_PROXY,
  sharedCluster,
  type TestCluster,
} from '../support/cluster.ts';
import { startRegistry, type Registry } from '../support/registry.ts';

const LIMITS = { timeoutMs: 60_000 };
const { signal } = new AbortController();
const context = { say: () => undefined, signal };

/** Versions that nobody publishes: the engine may be the user's, and hold the images of real ones. */
const FAKE_KUBERNETES = '1.34.999';
const FAKE_KUBE_PROXY = '1.34.998';
const FAKE_KUBELET = '1.34.996';

describe('published images', () => {
  let plan: Plan;
  let test: TestCluster;
  let registry: Registry;
  const store = createStore();
  const pulling = (settings: { registry?: string }) => ({
    ...{ engine: test.engine, say: () => undefined, signal },
    settings: { images: 'published' as const, ...settings },
  });

  before(async () => {
    test = await sharedCluster();
    registry = await startRegistry();
    const upgrade = { component: 'kube-proxy', to: FAKE_KUBE_PROXY, on: 'all' as const };
    plan = {
      ...test.plan,
      components: { kubernetes: FAKE_KUBERNETES },
      phases: [{ name: 'upgrade', forMs: 1, upgrade }],
    };
    const making = { store, goFolder: store.cache.go, context };
    const node = await makeKubeadmImage(making, KUBERNETES, test.logsDir);
    for (const version of [FAKE_KUBERNETES, FAKE_KUBELET])
      await registry.add(`kindest/node:v${version}`, node);
    const kubeProxy = await makeKubeProxyImage(making, NEXT_KUBE_PROXY, 'bookworm');
    await registry.add(`kube-proxy:v${FAKE_KUBE_PROXY}`, kubeProxy);
    await registry.add(`kube-proxy:v${FAKE_KUBERNETES}`, kubeProxy);
  });

  after(async () => {
    registry.close();
    const listed = await test.engine.docker(
      ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}'],
      LIMITS,
    );
    const fakes = listed.split('\n').filter((name) => /:v1\.34\.99\d$/.test(name));
    await test.engine.docker(['image', 'rm', ...fakes], LIMITS);
  });

  it('are pulled by their usual names, kube-proxy from where kubeadm in the node image says', async () => {
    const settings = { registry: registry.address };
    const published = await pullPublished(plan, pulling(settings));
    const nodeImage = `kindest/node:v${FAKE_KUBERNETES}`;
    assert.deepEqual(published.nodeImages, [nodeImage, nodeImage]);
    const kubeProxy = published.kubeProxyImage(FAKE_KUBE_PROXY);
    assert.deepEqual(published.pulled, [kubeProxy]);
    assert.match(kubeProxy, new RegExp(`^[^/]+/kube-proxy:v${FAKE_KUBE_PROXY}$`));
    for (const name of [nodeImage, kubeProxy])
      await test.engine.docker(['image', 'inspect', name], LIMITS);

    const asked = registry.requests.length;
    assert.ok(asked > 0);
    await pullPublished(plan, pulling(settings));
    assert.equal(registry.requests.length, asked, 'what is there is not pulled again');
  });

  it('of a worker with another kubelet are of that version, with the kube-proxy that they lack', async () => {
    const other = { ...plan, components: { ...plan.components, kubelet: FAKE_KUBELET } };
    const published = await pullPublished(other, pulling({ registry: registry.address }));
    const versions = [FAKE_KUBERNETES, FAKE_KUBELET];
    assert.deepEqual(
      published.nodeImages,
      versions.map((version) => `kindest/node:v${version}`),
    );
    assert.deepEqual(published.pulled, [
      published.kubeProxyImage(FAKE_KUBERNETES),
      published.kubeProxyImage(FAKE_KUBE_PROXY),
    ]);
    for (const name of [...published.nodeImages, ...published.pulled])
      await test.engine.docker(['image', 'inspect', name], LIMITS);
  });

  it('reach the containerd of every node', async () => {
    const { pulled } = await pullPublished(plan, pulling({ registry: registry.address }));
    const kind = (await store.ensure({ component: 'kind', version: '0.33.0' }, context)).path;
    const into = { engine: test.engine, kind, cluster: test.name, workDir: '', signal };
    await importPulled(pulled, into);
    for (const node of test.cluster.nodes) {
      const list = ['ctr', '--namespace', 'k8s.io', 'images', 'list', '--quiet'] as const;
      const images = (await runOrThrow(node, { argv: [...list] }, LIMITS)).split('\n');
      assert.ok(images.includes(pulled[0]!), images.join(' '));
    }
  });

  it('that are not published are an error that names the image and the ways out', async () => {
    const [phase] = plan.phases;
    const upgrade = { component: 'kube-proxy', to: '1.34.997', on: 'all' as const };
    const other = { ...plan, phases: [{ ...phase!, upgrade }] };
    await assert.rejects(
      pullPublished(other, pulling({ registry: registry.address })),
      (error) =>
        hasCode(error, 'component') &&
        error.message.includes(`${registry.address}/kube-proxy:v1.34.997`) &&
        (error.wayOut ?? '').includes('images built'),
    );
  });

  it('are refused before anything where they cannot be', async () => {
    const components = { ...plan.components, iptables: '1.8.9' };
    await assert.rejects(
      pullPublished({ ...plan, components }, pulling({ registry: registry.address })),
      (error) => hasCode(error, 'preflight'),
    );
    if (test.engine.kind === 'private')
      await assert.rejects(pullPublished(plan, pulling({})), (error) =>
        hasCode(error, 'preflight'),
      );
  });
});
