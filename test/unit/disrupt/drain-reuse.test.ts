/** The churn of seed 003 against a small API server and a small kernel, which drains as a given kube-proxy would. */
import assert from 'node:assert/strict';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import type { KubeObject } from '../../../harness/core/kube.ts';
import type { ChurnContext } from '../../../harness/disrupt/churn/churn.ts';
import { drainReuse } from '../../../harness/disrupt/churn/drain-reuse.ts';
import { FakeKube, pod } from '../../support/fake-kube.ts';
import { FakeNode } from '../../support/fake-node.ts';

const HEAD = [
  'IP Virtual Server version 1.2.1 (size=4096)',
  'Prot LocalAddress:Port Scheduler Flags',
  '  -> RemoteAddress:Port Forward Weight ActiveConn InActConn',
];
const ENDPOINTS = { apiVersion: 'v1', kind: 'Endpoints', name: 'reused', namespace: 'coalmine' };

/** Last byte of the address to weight. */
type Table = Map<number, number>;

function stage(drains: 'always' | 'once' | 'never') {
  const kube = new FakeKube();
  const labels = { app: 'echo' };
  kube.put(pod('echo-1', 'coalmine', 'w1', { labels, ip: '10.1.0.1' }));
  kube.put(pod('echo-2', 'coalmine', 'w1', { labels, ip: '10.1.0.2' }));
  const metadata = { name: 'echo', namespace: 'coalmine' };
  const ports = [{ name: 'flow', port: 7_000, targetPort: 7_000, protocol: 'TCP' }];
  kube.put({ apiVersion: 'v1', kind: 'Service', metadata, spec: { ports } });
  const table: Table = new Map();
  let open = 0;
  let drained = false;

  /** What the control plane (cluster IP, mirrored slice) and kube-proxy would do. */
  kube.onChange = (_, object) => {
    if (object.kind === 'Service' && object.metadata.name === 'reused')
      kube.put({ ...object, spec: { ...(object['spec'] as object), clusterIP: '10.96.0.9' } });
    if (object.kind !== 'Endpoints') return;
    const hosts = ipsOf(object).map((ip) => Number(ip.split('.')[3]));
    for (const host of hosts) table.set(host, 1);
    for (const host of [...table.keys()].filter((one) => !hosts.includes(one))) {
      if (drains === 'never' || (drains === 'once' && drained)) continue;
      drained = true;
      table.set(host, 0);
    }
    kube.put({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: 'reused-x',
        namespace: 'coalmine',
        labels: { 'kubernetes.io/service-name': 'reused' },
      },
      endpoints: ipsOf(object).map((ip) => ({ addresses: [ip] })),
    });
  };
  const node = new FakeNode('w1');
  node.programs.set('cat', () => {
    const servers = [...table].map(
      ([host, weight]) =>
        `  -> 0A01000${host}:1B58      Masq    ${weight}      ${open}          0         `,
    );
    return [...HEAD, 'TCP  0A600009:1B58 rr  ', ...servers, ''].join('\n');
  });
  const events: HistoryEvent[] = [];
  const stop = new AbortController();
  const held: string[] = [];
  const agent = {
    ...node.agent,
    start: ({ argv }: { argv: readonly string[] }) => {
      held.push(argv.join(' '));
      open = 1;
      const kill = (): Promise<void> => {
        open = 0;
        return Promise.resolve();
      };
      return Promise.resolve({ kill, ended: Promise.resolve({ exitCode: 0, signal: null }) });
    },
  };
  const context: ChurnContext = {
    id: 'c1',
    runId: 'r1',
    namespace: 'coalmine',
    kube,
    nodes: [{ node: node.info, agent }],
    clock: { startedAt: '', nowMs: () => performance.now() },
    signal: stop.signal,
    emit: (event) => events.push(event),
  };
  const run = async (params: Record<string, unknown> = {}) => {
    const parsed = drainReuse.params.parse({ held: '1ms', ...params });
    await drainReuse.prepare?.(parsed, context);
    return drainReuse.run(parsed, context);
  };
  const actions = () =>
    events.flatMap((event) => (event.kind === 'churn' ? [`${event.action} ${event.object}`] : []));
  return { kube, table, run, actions, held, stop, isOpen: () => open > 0 };
}

function ipsOf(object: KubeObject | undefined): string[] {
  const subsets = (object?.['subsets'] ?? []) as { addresses?: { ip: string }[] }[];
  return subsets.flatMap(({ addresses }) => (addresses ?? []).map(({ ip }) => ip));
}

describe('disrupt/churn/drain-reuse', () => {
  it('removes, adds and removes the same address while a connection is open, then puts all back', async () => {
    const { run, actions, held, kube, isOpen } = stage('always');
    const { felt, evidence } = await run();
    assert.ok(felt, evidence);
    assert.match(
      evidence,
      /10\.1\.0\.2:7000 drained on w1 with 1 active connections, and came back/,
    );
    assert.deepEqual(actions(), [
      'remove reused/10.1.0.2:7000',
      'add reused/10.1.0.2:7000',
      'remove reused/10.1.0.2:7000',
      'close reused/10.1.0.2:7000',
      'put back reused',
    ]);
    assert.match(held[0] ?? '', / hold --host 10\.96\.0\.9 --port 7000 --count 4 /);
    assert.ok(!isOpen());
    assert.deepEqual(ipsOf(await kube.get(ENDPOINTS)), ['10.1.0.1', '10.1.0.2']);
  });

  it('is felt by a kube-proxy that drains it only once: that is the fault, not its absence', async () => {
    const { run, table } = stage('once');
    assert.ok((await run()).felt);
    assert.equal(table.get(2), 1);
  });

  it('keeps named ports and gives the backends their numbers', async () => {
    const { run, kube } = stage('always');
    await run();
    const subsets = (await kube.get(ENDPOINTS))?.['subsets'] as { ports: unknown }[];
    assert.deepEqual(subsets[0]?.ports, [{ name: 'flow', protocol: 'TCP', port: 7_000 }]);
  });

  it('stopped halfway, it closes its connections and puts everything back', async () => {
    const { run, kube, stop, isOpen } = stage('always');
    const running = run({ held: '1h' });
    setTimeout(() => {
      stop.abort(new Error('enough'));
    }, 50);
    await assert.rejects(running, /enough/);
    assert.ok(!isOpen());
    assert.deepEqual(ipsOf(await kube.get(ENDPOINTS)), ['10.1.0.1', '10.1.0.2']);
  });

  it('says that it has nothing to remove', async () => {
    const { run, kube } = stage('always');
    await kube.delete({ apiVersion: 'v1', kind: 'Pod', name: 'echo-2', namespace: 'coalmine' });
    await assert.rejects(run(), (error) => hasCode(error, 'inject'));
  });
});
