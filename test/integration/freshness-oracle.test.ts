/**
 * The whole oracle on the real thing: API server, kube-proxy, Kubernetes client, node agent. kube-proxy is stopped while
 * endpoints come and go, and what the oracle says must be what was done.
 */
import assert from 'node:assert/strict';
import { startRunClock } from '../../harness/core/clock.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import { eventSchema, type EventOf, type HistoryEvent } from '../../harness/core/history.ts';
import type { LocalProcess } from '../../harness/exec/local.ts';
import { startOracle, type Oracle } from '../../harness/observe/freshness/oracle.ts';
import { startAgentInside, type AgentInside } from '../support/agent-inside.ts';
import { startProxyRig, type ProxyRig } from '../support/proxy-rig.ts';
import { isRoot, skipOrFail } from '../support/real.ts';
import { rigBinaries } from '../support/rig-binaries.ts';
import { connectRigKube, type RigKube } from '../support/rig-kube.ts';
import { service, slice } from '../support/rule-cases.ts';

const A = { addresses: ['10.244.1.1'] };
const B = { addresses: ['10.244.2.1'] };
const ENDPOINT_B = '10.244.2.1:8080';
const SLICE = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  name: 'a-1',
  namespace: 'default',
};

describe('freshness: the oracle on a real kube-proxy', function () {
  this.timeout(3_600_000); // a cold store builds first
  const clock = startRunClock();
  let rig: ProxyRig;
  let api: RigKube;
  let inside: AgentInside;
  const proxies = new Map<string, LocalProcess>();

  before(async function () {
    if (!isRoot()) skipOrFail(this, 'network namespaces need root');
    const paths = await rigBinaries();
    if (typeof paths === 'string') skipOrFail(this, paths);
    rig = await startProxyRig(paths);
    api = await connectRigKube(rig, clock);
    inside = await startAgentInside('n1', clock, rig.inside({ argv: ['env'] }).argv);
    await rig.api('POST', '/api/v1/nodes', { metadata: { name: 'n1' } });
    const status = { addresses: [{ type: 'InternalIP', address: '172.30.0.1' }] };
    await rig.api('PATCH', '/api/v1/nodes/n1/status', { status });
    await api.kube.apply(service('a', {}));
    await api.kube.apply(slice('a', 1, [A, B]));
    const [binary] = paths.proxies;
    for (const [index, mode] of (['iptables', 'nftables'] as const).entries())
      proxies.set(mode, rig.startProxy({ binary, mode, node: 'n1', index }));
  });

  after(async () => {
    // Not set where the suite was skipped.
    for (const proxy of proxies.values()) proxy.kill('SIGCONT');
    await (inside as AgentInside | undefined)?.stop();
    (api as RigKube | undefined)?.stop();
    await (rig as ProxyRig | undefined)?.stop();
  });

  const setEndpoints = (...endpoints: unknown[]): Promise<unknown> =>
    api.kube.patch(SLICE, { endpoints });

  const open = (oracle: Oracle, count: number): Promise<true> =>
    waitFor({ what: `${count} open episodes`, timeoutMs: 20_000, everyMs: 20 }, () =>
      Promise.resolve(oracle.live().openEpisodes === count ? true : undefined),
    );

  for (const mode of ['iptables', 'nftables'] as const) {
    it(`tells what was stale and missing while kube-proxy stood still, ${mode}`, async () => {
      const events: HistoryEvent[] = [];
      const of = <K extends HistoryEvent['kind']>(kind: K): EventOf<K>[] =>
        events.filter((event): event is EventOf<K> => event.kind === kind);
      const ending = new AbortController();
      const proxy = proxies.get(mode) ?? assert.fail();
      const oracle = await startOracle({
        kube: api.kube,
        agents: [{ node: 'n1', agent: inside.agent }],
        proxyMode: mode,
        everyMs: 200,
        clock,
        emit: (event) => events.push(eventSchema.parse(event)),
        signal: ending.signal,
      });
      try {
        await oracle.ready();
        await open(oracle, 0); // kube-proxy may be behind with what the test above changed last
        assert.equal(oracle.live().entriesByNode.get('n1'), 3, 'default/kubernetes and A and B');
        assert.deepEqual(
          of('rule-episode').filter(({ untilMs }) => untilMs === null),
          [],
        );
        events.length = 0;

        proxy.kill('SIGSTOP');
        const takenMs = clock.nowMs();
        await setEndpoints(A);
        await open(oracle, 1);
        await setEndpoints(A, B); // kube-proxy has noticed neither
        await open(oracle, 0);
        const [episode] = of('rule-episode');
        assert.deepEqual([of('rule-episode').length, of('rule-settled')], [1, []]);
        const {
          node,
          service: name,
          port,
          endpoint,
          error,
          sinceMs,
          untilMs,
        } = episode ?? assert.fail();
        assert.deepEqual(
          { node, name, port, endpoint, error },
          { node: 'n1', name: 'default/a', port: 'http/TCP', endpoint: ENDPOINT_B, error: 'stale' },
        );
        assert.ok(sinceMs >= takenMs && (untilMs ?? 0) > sinceMs);

        await setEndpoints(B);
        await open(oracle, 1);
        await setEndpoints(A, B, { addresses: ['10.244.2.9'] });
        await waitFor({ what: 'the end of the second', timeoutMs: 20_000, everyMs: 20 }, () =>
          Promise.resolve(of('rule-episode').length === 2 ? true : undefined),
        );
        await open(oracle, 1);
        proxy.kill('SIGCONT');
        await open(oracle, 0);
        assert.deepEqual(
          of('rule-episode').map((event) => `${event.error} ${event.endpoint}`),
          [`stale ${ENDPOINT_B}`, 'stale 10.244.1.1:8080', 'missing 10.244.2.9:8080'],
        );
        assert.deepEqual(
          of('rule-settled').map((event) => `${event.change} ${event.endpoint}`),
          ['added 10.244.2.9:8080'],
        );
      } finally {
        proxy.kill('SIGCONT');
        await oracle.stop();
        ending.abort();
        await setEndpoints(A, B);
      }
      const reads = of('rules-read');
      assert.ok(reads.length > 0 && reads.every(({ failures }) => failures === 0));
    });
  }

  it('tells of a rule that somebody took away, and of one still wrong at the end', async () => {
    const ending = new AbortController();
    const events: HistoryEvent[] = [];
    const proxy = proxies.get('iptables') ?? assert.fail();
    const oracle = await startOracle({
      kube: api.kube,
      agents: [{ node: 'n1', agent: inside.agent }],
      proxyMode: 'iptables',
      everyMs: 200,
      clock,
      emit: (event) => events.push(event),
      signal: ending.signal,
    });
    try {
      await oracle.ready();
      await open(oracle, 0);
      proxy.kill('SIGSTOP'); // or a sync left from the tests above may put the rule back
      events.length = 0;
      const saved = await rig.capture('iptables-nft-save', '-t', 'nat');
      const dnat = saved
        .split('\n')
        .find((line) => line.endsWith(`--to-destination ${ENDPOINT_B}`));
      const [, chain = ''] = (dnat ?? assert.fail()).split(' ');
      await rig.capture('iptables-nft', '-t', 'nat', '-D', chain, '2');
      await open(oracle, 1);
      const seenMs = clock.nowMs();
      // Younger than this it could still be the API's own change, heard late (AHEAD_MS).
      await waitFor({ what: 'the doubt to pass', timeoutMs: 5_000, everyMs: 50 }, () =>
        Promise.resolve(clock.nowMs() > seenMs + 1_100 ? true : undefined),
      );
    } finally {
      await oracle.stop();
      proxy.kill('SIGCONT');
    }
    await oracle.stop(); // twice is no error
    ending.abort();
    const wrong = events.filter((event) => event.kind === 'rule-episode');
    assert.deepEqual(
      wrong.map(({ error, endpoint, untilMs }) => ({ error, endpoint, untilMs })),
      [{ error: 'missing', endpoint: ENDPOINT_B, untilMs: null }],
    );
  });
});
