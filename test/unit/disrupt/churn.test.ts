import assert from 'node:assert/strict';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import { runChurn, type ChurnContext } from '../../../harness/disrupt/churn/churn.ts';
import { endpointGone } from '../../../harness/disrupt/churn/endpoint-gone.ts';
import { endpoints } from '../../../harness/disrupt/churn/endpoints.ts';
import { isRolledOut, rollingRestart } from '../../../harness/disrupt/churn/rolling-restart.ts';
import type { KubeObject } from '../../../harness/core/kube.ts';
import { FakeKube, pod } from '../../support/fake-kube.ts';

const SLICE = 'EndpointSlice/coalmine/churned-coalmine';

function cluster(): FakeKube {
  const kube = new FakeKube();
  const labels = { app: 'echo' };
  kube.put(pod('echo-1', 'coalmine', 'w1', { labels, ip: '10.1.0.1' }));
  kube.put(pod('echo-2', 'coalmine', 'w2', { labels, ip: '10.2.0.1' }));
  kube.put(pod('echo-3', 'coalmine', 'w2', { labels, ip: '10.2.0.2', ready: false }));
  kube.put({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'echo', namespace: 'coalmine' },
    spec: { ports: [{ name: 'http', port: 80, targetPort: 'web', protocol: 'TCP' }] },
  });
  kube.put({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'echo-abc',
      namespace: 'coalmine',
      labels: { 'kubernetes.io/service-name': 'echo' },
    },
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [],
  });
  return kube;
}

function churning(kube: FakeKube): {
  context: ChurnContext;
  events: HistoryEvent[];
  stop: AbortController;
} {
  const events: HistoryEvent[] = [];
  const stop = new AbortController();
  const began = performance.now();
  const clock = { startedAt: '', nowMs: () => performance.now() - began };
  const context = {
    id: 'c1',
    runId: 'r1',
    namespace: 'coalmine',
    kube,
    nodes: [],
    clock,
    signal: stop.signal,
    emit: (event: HistoryEvent) => events.push(event),
  };
  return { context, events, stop };
}

function addresses(kube: FakeKube): string[] {
  const list = kube.objects.get(SLICE)?.['endpoints'] as { addresses: string[] }[];
  return list.flatMap((endpoint) => endpoint.addresses);
}

function changes(events: readonly HistoryEvent[]): string[] {
  return events.flatMap((one) => (one.kind === 'churn' ? `${one.action} ${one.object}` : []));
}

describe('disrupt/churn/endpoints', () => {
  it('makes a Service without a selector, with the Ready pods and the resolved port', async () => {
    const kube = cluster();
    const { context } = churning(kube);
    const wanted = endpoints.params.parse({});
    await endpoints.prepare?.(wanted, context);
    await endpoints.prepare?.(wanted, context);
    const service = kube.objects.get('Service/coalmine/churned');
    assert.equal((service?.['spec'] as { selector?: unknown }).selector, undefined);
    const slice = kube.objects.get(SLICE);
    assert.equal(slice?.metadata.labels?.['kubernetes.io/service-name'], 'churned');
    assert.deepEqual(slice['ports'], [{ name: 'http', protocol: 'TCP', port: 8080 }]);
    assert.deepEqual(addresses(kube), ['10.1.0.1', '10.2.0.1']);
  });

  it('takes one endpoint out and puts it back, turn by turn, and ends as it began', async () => {
    const kube = cluster();
    const { context, events } = churning(kube);
    const wanted = endpoints.params.parse({ changes: 5, every: '1ms' });
    await endpoints.prepare?.(wanted, context);
    const seen: string[] = [];
    kube.onChange = () => seen.push(addresses(kube).join(' '));
    await runChurn(endpoints, wanted, context);
    const both = '10.1.0.1 10.2.0.1';
    assert.deepEqual(seen, ['10.2.0.1', both, '10.1.0.1', both, '10.2.0.1', both]);
    assert.deepEqual(changes(events).slice(0, 3), [
      'remove churned/10.1.0.1',
      'add churned/10.1.0.1',
      'remove churned/10.2.0.1',
    ]);
    const felt = events.at(-1);
    assert.ok(felt?.kind === 'felt' && felt.felt, JSON.stringify(felt));
  });

  it('leaves the last one away for as long as it is asked to', async () => {
    const kube = cluster();
    const { context, events } = churning(kube);
    const wanted = endpoints.params.parse({ changes: 3, every: '1ms', lastFor: '200ms' });
    await endpoints.prepare?.(wanted, context);
    const tMs: number[] = [];
    kube.onChange = () => tMs.push(context.clock.nowMs());
    await runChurn(endpoints, wanted, context);
    const [goneMs = 0, backMs = 0] = tMs.slice(-2);
    assert.ok(backMs - goneMs >= 199, `${backMs - goneMs} ms`);
    const felt = events.at(-1);
    assert.ok(felt?.kind === 'felt' && felt.felt, JSON.stringify(felt));
  });

  it('is not felt where the API server did not take the changes', async () => {
    const kube = cluster();
    const { context, events } = churning(kube);
    const wanted = endpoints.params.parse({ changes: 4, every: '1ms' });
    await endpoints.prepare?.(wanted, context);
    kube.patch = (ref) => kube.get(ref).then((object) => object!);
    await runChurn(endpoints, wanted, context);
    const felt = events.at(-1);
    assert.ok(felt?.kind === 'felt' && !felt.felt, JSON.stringify(felt));
  });

  it('puts the endpoints back when it is stopped in the middle, and when a request fails', async () => {
    const kube = cluster();
    const { context, stop } = churning(kube);
    const wanted = endpoints.params.parse({ changes: 1000, every: '1ms' });
    await endpoints.prepare?.(wanted, context);
    let patches = 0;
    kube.onChange = () => {
      patches += 1;
      if (patches === 3) stop.abort(new Error('Ctrl+C'));
    };
    await assert.rejects(runChurn(endpoints, wanted, context), /Ctrl\+C/);
    assert.deepEqual(addresses(kube), ['10.1.0.1', '10.2.0.1']);

    const second = churning(kube);
    kube.onChange = () => {
      patches += 1;
      if (patches === 5) throw new Error('connection reset');
    };
    patches = 4;
    await assert.rejects(runChurn(endpoints, wanted, second.context), /connection reset/);
    assert.deepEqual(addresses(kube), ['10.1.0.1', '10.2.0.1']);
    const felt = second.events.at(-1);
    assert.ok(felt?.kind === 'felt' && !felt.felt);
  });

  it('refuses to churn with fewer than two backends', async () => {
    const kube = cluster();
    kube.objects.delete('Pod/coalmine/echo-2');
    const { context } = churning(kube);
    await assert.rejects(
      Promise.resolve(endpoints.prepare?.(endpoints.params.parse({}), context)),
      (error) => hasCode(error, 'inject'),
    );
  });
});

describe('disrupt/churn/endpoint-gone', () => {
  it('takes the last endpoint out for the planted time, and says both moments', async () => {
    const kube = cluster();
    const { context, events } = churning(kube);
    const wanted = endpointGone.params.parse({ service: 'churned', for: '20ms' });
    await endpointGone.prepare?.(wanted, context);
    const seen: string[] = [];
    kube.onChange = () => seen.push(addresses(kube).join(' '));
    await runChurn(endpointGone, wanted, context);
    assert.deepEqual(seen, ['10.1.0.1', '10.1.0.1 10.2.0.1']);
    assert.deepEqual(changes(events), ['remove churned/10.2.0.1', 'add churned/10.2.0.1']);
    const felt = events.at(-1);
    assert.ok(felt?.kind === 'felt' && felt.felt, JSON.stringify(felt));
  });
});

describe('disrupt/churn/rolling-restart', () => {
  const deployment = (status: Record<string, number>, generation = 2): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'echo', namespace: 'coalmine', ...{ generation } },
    spec: { replicas: 2, selector: { matchLabels: { app: 'echo' } } },
    status,
  });
  const whole = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };

  it('is complete once only new pods are left and available', () => {
    assert.equal(isRolledOut(deployment(whole), 2), true);
    assert.equal(isRolledOut(deployment({ ...whole, observedGeneration: 1 }), 2), false);
    assert.equal(isRolledOut(deployment({ ...whole, replicas: 3 }), 2), false);
    assert.equal(isRolledOut(deployment({ ...whole, updatedReplicas: 1 }), 2), false);
    assert.equal(isRolledOut(deployment({ ...whole, availableReplicas: 1 }), 2), false);
    assert.equal(isRolledOut(deployment({}), 2), false);
  });

  it('asks for a restart as kubectl does, and is felt when every pod is a new one', async () => {
    const kube = cluster();
    kube.put(deployment(whole));
    kube.onChange = (verb, object) => {
      if (verb !== 'patch') return;
      assert.match(JSON.stringify(object), /kubectl\.kubernetes\.io\/restartedAt/);
      const labels = { app: 'echo' };
      for (const name of ['echo-1', 'echo-2', 'echo-3'])
        kube.objects.delete(`Pod/coalmine/${name}`);
      kube.put(pod('echo-4', 'coalmine', 'w1', { labels }));
    };
    const { context, events } = churning(kube);
    await runChurn(rollingRestart, rollingRestart.params.parse({}), context);
    assert.deepEqual(changes(events), ['restart deployment/echo', 'complete deployment/echo']);
    const felt = events.at(-1);
    assert.ok(felt?.kind === 'felt' && felt.felt);
  });
});
