/** The kind provider on a real two-node cluster. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { waitFor } from '../../harness/core/deadline.ts';
import { hasCode } from '../../harness/core/errors.ts';
import type { KubeObject } from '../../harness/core/kube.ts';
import { RUN_LABEL } from '../../harness/core/names.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { local } from '../../harness/exec/local.ts';
import { demandKubelets } from '../../harness/providers/kind/kubelet-versions.ts';
import type { ClusterNode } from '../../harness/providers/provider.ts';
import {
  KUBERNETES,
  NEXT_KUBE_PROXY,
  sharedCluster,
  WORKER_KUBELET,
  type TestCluster,
} from '../support/cluster.ts';

const LIMITS = { timeoutMs: 30_000 };
const PODS = { apiVersion: 'v1', kind: 'Pod', namespace: 'kube-system' };

describe('the kind provider', function () {
  let test: TestCluster;
  let controlPlane: ClusterNode;
  let worker: ClusterNode;

  before(async () => {
    test = await sharedCluster();
    [controlPlane, worker] = [test.cluster.nodes[0]!, test.cluster.nodes[1]!];
  });

  it('gives two nodes, both Ready and open to pods', async () => {
    assert.deepEqual(
      test.cluster.nodes.map(({ role }) => role),
      ['control-plane', 'worker'],
    );
    for (const node of await test.cluster.kube.list({ apiVersion: 'v1', kind: 'Node' })) {
      const { spec, status } = node as unknown as {
        spec: { taints?: unknown[] };
        status: { conditions: { type: string; status: string }[] };
      };
      assert.deepEqual(spec.taints ?? [], []);
      assert.equal(status.conditions.find(({ type }) => type === 'Ready')?.status, 'True');
    }
  });

  it('gives the worker the kubelet of its own version, joined by kubeadm of the control plane’s', async () => {
    const found = await test.cluster.kube.list({ apiVersion: 'v1', kind: 'Node' });
    const told = found.map((node) => {
      const { nodeInfo } = node['status'] as { nodeInfo: { kubeletVersion: string } };
      return [node.metadata.name, nodeInfo.kubeletVersion];
    });
    assert.deepEqual(Object.fromEntries(told), {
      [controlPlane.name]: `v${KUBERNETES}`,
      [worker.name]: `v${WORKER_KUBELET}`,
    });
    const kubeadm = ['kubeadm', 'version', '--output', 'short'] as const;
    for (const node of [controlPlane, worker])
      assert.equal(
        (await runOrThrow(node, { argv: [...kubeadm] }, LIMITS)).trim(),
        `v${KUBERNETES}`,
      );
    const names = [controlPlane.name, worker.name];
    await demandKubelets(test.cluster.kube, names, [KUBERNETES, WORKER_KUBELET]);
    await assert.rejects(
      demandKubelets(test.cluster.kube, names, [KUBERNETES, KUBERNETES]),
      (error) => hasCode(error, 'provision') && error.message.includes(`is ${WORKER_KUBELET}, not`),
    );
  });

  it('has DNS that answers through its Service, from each node', async () => {
    const program = `
      const resolver = new (require('dns').promises.Resolver)();
      resolver.setServers(['10.96.0.10']);
      resolver.resolve4('kubernetes.default.svc.cluster.local').then((found) => console.log(found.join()));
    `;
    // That CoreDNS is Ready is news for kube-proxy, which refuses until it has heard of it.
    for (const node of test.cluster.nodes) {
      const wait = { what: `DNS to answer on ${node.name}`, timeoutMs: LIMITS.timeoutMs };
      const answer = await waitFor(wait, () =>
        runOrThrow(node, { argv: ['/coalmine/node', '-e', program] }, LIMITS),
      );
      assert.equal(answer.trim(), '10.96.0.1');
    }
  });

  it('runs commands on a node, with input, environment, exit code and a limit', async () => {
    assert.equal(await runOrThrow(worker, { argv: ['cat'], stdin: 'a\nb' }, LIMITS), 'a\nb');
    const env = { X: 'a b' };
    assert.equal(
      (await runOrThrow(worker, { argv: ['printenv', 'X'], env }, LIMITS)).trim(),
      'a b',
    );
    assert.equal((await worker.run({ argv: ['false'] }, LIMITS)).exitCode, 1);
    await assert.rejects(
      worker.run({ argv: ['sleep', '77'] }, { timeoutMs: 300 }),
      (error) => hasCode(error, 'command') && error.message.includes('300ms'),
    );
    await waitFor({ what: 'the sleeping process to be gone', timeoutMs: 20_000 }, async () => {
      const listed = await runOrThrow(worker, { argv: ['ps', '-eo', 'args'] }, LIMITS);
      return listed.split('\n').some((line) => line === 'sleep 77') ? undefined : true;
    });
  });

  it('freezes a node and thaws it, and can say which of the two it is', async () => {
    const freeze = worker.freezes?.pause;
    assert.ok(freeze !== undefined);
    const verify = async (): Promise<boolean> => {
      const asked = await local.run(freeze.verify.command, LIMITS);
      return (
        asked.exitCode === freeze.verify.exitCode && asked.stdout.trim() === freeze.verify.stdout
      );
    };
    assert.equal(freeze.stops, 'processes');
    assert.ok(await verify());
    await runOrThrow(local, freeze.inject, LIMITS);
    try {
      assert.equal(await verify(), false);
      await assert.rejects(worker.run({ argv: ['true'] }, LIMITS), (error) =>
        hasCode(error, 'agent'),
      );
    } finally {
      await runOrThrow(local, freeze.undo, LIMITS);
    }
    assert.ok(await verify());
    assert.equal((await worker.run({ argv: ['true'] }, LIMITS)).exitCode, 0);
  });

  it('sees changes through a watch, in order', async () => {
    const { kube } = test.cluster;
    const seen: string[] = [];
    const stop = new AbortController();
    const kind = { apiVersion: 'v1', kind: 'ConfigMap' };
    await kube.watch(
      kind,
      ({ type, object }) => {
        if (object.metadata.name === 'watched')
          seen.push(`${type} ${JSON.stringify(object['data'])}`);
      },
      stop.signal,
    );
    const object = { ...kind, metadata: { name: 'watched', namespace: 'default' } };
    const ref = { ...kind, name: 'watched', namespace: 'default' };
    await kube.apply({ ...object, data: { a: '1' } });
    await kube.apply({ ...object, data: { a: '2' } });
    await kube.patch(ref, { data: { a: null, b: '3' } });
    await kube.delete(ref);
    await kube.delete(ref);
    assert.equal(await kube.get(ref), undefined);
    await waitFor({ what: 'four events', timeoutMs: 20_000 }, () =>
      Promise.resolve(seen.length >= 4 ? true : undefined),
    );
    stop.abort();
    assert.deepEqual(seen, [
      'ADDED {"a":"1"}',
      'MODIFIED {"a":"2"}',
      'MODIFIED {"b":"3"}',
      'DELETED {"b":"3"}',
    ]);
  });

  it('changes kube-proxy on one node only, by OnDelete, and keeps what the old one said', async () => {
    const { kube } = test.cluster;
    const daemonSet = {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      name: 'kube-proxy',
      namespace: 'kube-system',
    };
    assert.equal(await versionOn(worker), `v${KUBERNETES}`);
    const found = (await kube.get(daemonSet)) as unknown as {
      spec: { template: { spec: { containers: Record<string, unknown>[] } } };
    };
    const image = test.cluster.kubeProxyImage(NEXT_KUBE_PROXY);
    const containers = found.spec.template.spec.containers.map((one) => ({ ...one, image }));
    await kube.patch(daemonSet, { spec: { template: { spec: { containers } } } });
    const old = (await kubeProxies()).find((pod) => nodeOf(pod) === worker.name);
    assert.ok(old !== undefined);
    await kube.delete({ ...PODS, name: old.metadata.name });
    await waitFor({ what: 'the new kube-proxy to answer', timeoutMs: 120_000 }, async () =>
      (await versionOn(worker)) === `v${NEXT_KUBE_PROXY}` ? true : undefined,
    );
    assert.equal(await versionOn(controlPlane), `v${KUBERNETES}`);
    // The logs are followed, so what was said this moment comes a moment later.
    const file = path.join(test.logsDir, 'kube-proxy', `${worker.name}.log`);
    for (const version of [KUBERNETES, NEXT_KUBE_PROXY])
      await waitFor({ what: `the log of kube-proxy ${version}`, timeoutMs: 20_000 }, async () =>
        (await readFile(file, 'utf8')).includes(`version="v${version}"`) ? true : undefined,
      );
  });

  it('collects what kubelet and CoreDNS said', async () => {
    await test.cluster.collectLogs();
    for (const { name } of test.cluster.nodes) {
      const kubelet = await readFile(path.join(test.logsDir, name, 'kubelet.log'), 'utf8');
      assert.match(kubelet, /kubelet/);
    }
  });

  it('labels what the engine lets it label, so that `clean` finds the run', async () => {
    const filter = `label=${RUN_LABEL}=${test.plan.runId}`;
    const networks = await test.engine.docker(
      ['network', 'ls', '--filter', filter, '--format', '{{.Name}}'],
      LIMITS,
    );
    assert.equal(networks.trim(), test.name);
  });

  async function kubeProxies(): Promise<KubeObject[]> {
    return test.cluster.kube.list({ ...PODS, labelSelector: 'k8s-app=kube-proxy' });
  }

  function nodeOf(pod: KubeObject): unknown {
    return (pod['spec'] as { nodeName?: unknown }).nodeName;
  }

  /** What kube-proxy itself says; undefined while it does not answer. */
  async function versionOn(node: ClusterNode): Promise<string | undefined> {
    const argv = ['curl', '--silent', '--max-time', '5', 'http://127.0.0.1:10249/metrics'] as const;
    const { stdout } = await node.run({ argv: [...argv] }, LIMITS);
    return /^kubernetes_build_info\{.*git_version="([^"]+)"/m.exec(stdout)?.[1];
  }
});
