/**
 * The proof that the oracle wants what kube-proxy wants: the real API server, the real kube-proxy (both versions, both
 * modes, both variants of iptables, two nodes), and hundreds of Services of every kind, compared entry by entry.
 */
import assert from 'node:assert/strict';
import { waitFor } from '../../harness/core/deadline.ts';
import type { KubeObject } from '../../harness/core/kube.ts';
import { parseIptables } from '../../harness/observe/freshness/iptables.ts';
import { parseNftables } from '../../harness/observe/freshness/nftables.ts';
import type { Family, KernelRules } from '../../harness/observe/freshness/rules.ts';
import { startProxyRig, type ProxyOptions, type ProxyRig } from '../support/proxy-rig.ts';
import { dice, randomCase } from '../support/random-rules.ts';
import { handMadeCases, slice, type RuleCase } from '../support/rule-cases.ts';
import { differences, wantedOf } from '../support/rule-differences.ts';
import { isRoot, skipOrFail } from '../support/real.ts';
import { rigBinaries, type RigPaths } from '../support/rig-binaries.ts';

const FAMILIES = ['IPv4', 'IPv6'] as const;
const SERVICES = '/api/v1/namespaces/default/services';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const NODES = [
  { name: 'n1', zone: 'z1', address: '172.30.0.1' },
  { name: 'n2', zone: 'z2', address: '172.30.0.2' },
];

interface Side extends ProxyOptions {
  title: string;
}

function sides({ proxies }: RigPaths): Side[] {
  const [old, next] = proxies;
  return [
    {
      title: 'iptables (nft)',
      binary: old,
      mode: 'iptables',
      variant: 'nft',
      node: 'n1',
      index: 0,
    },
    { title: 'nftables', binary: next, mode: 'nftables', node: 'n1', index: 1 },
    {
      title: 'iptables (legacy)',
      binary: next,
      mode: 'iptables',
      variant: 'legacy',
      node: 'n2',
      index: 2,
    },
  ];
}

async function readKernel(rig: ProxyRig, side: Side, family: Family): Promise<KernelRules> {
  if (side.mode === 'nftables') {
    const table = family === 'IPv4' ? 'ip' : 'ip6';
    const text = await rig.capture('nft', '--stateless', 'list', 'ruleset', table);
    return parseNftables(text) ?? assert.fail('a complete ruleset');
  }
  const save = `${family === 'IPv4' ? 'iptables' : 'ip6tables'}-${side.variant ?? 'nft'}-save`;
  return parseIptables(await rig.capture(save, '-t', 'nat')) ?? assert.fail('a complete table');
}

const KINDS = [
  { urlPath: '/api/v1/nodes', apiVersion: 'v1', kind: 'Node' },
  { urlPath: '/api/v1/services', apiVersion: 'v1', kind: 'Service' },
  {
    urlPath: '/apis/discovery.k8s.io/v1/endpointslices',
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
  },
];

/** Items of a list do not say what they are. */
async function listAll(rig: ProxyRig): Promise<KubeObject[]> {
  const lists = KINDS.map(async ({ urlPath, apiVersion, kind }) => {
    const { items } = (await rig.api('GET', urlPath)).body as { items: KubeObject[] };
    return items.map((item) => ({ ...item, apiVersion, kind }));
  });
  return (await Promise.all(lists)).flat();
}

describe('freshness: what is wanted, against the real kube-proxy', function () {
  this.timeout(3_600_000); // a cold store builds first
  let rig: ProxyRig;
  let all: Side[];
  let compared = 0;

  before(async function () {
    if (!isRoot()) skipOrFail(this, 'network namespaces need root');
    const paths = await rigBinaries();
    if (typeof paths === 'string') skipOrFail(this, paths);
    all = sides(paths);
    rig = await startProxyRig(paths);
    await rig.capture('ip', 'address', 'add', '172.30.0.2/32', 'dev', 'lo');
    for (const { name, address } of NODES) {
      await must('POST', '/api/v1/nodes', { metadata: { name } });
      const status = { addresses: [{ type: 'InternalIP', address }] };
      await must('PATCH', `/api/v1/nodes/${name}/status`, { status });
    }
    for (const side of all) rig.startProxy(side);
    await allStarted();
    for (const { name, zone } of NODES) {
      const labels = { 'topology.kubernetes.io/zone': zone };
      await must('PATCH', `/api/v1/nodes/${name}`, { metadata: { labels } });
    }
  });

  after(async () => {
    // Not set where the suite was skipped.
    await (rig as ProxyRig | undefined)?.stop();
    console.warn(`      compared ${compared} entries`);
  });

  async function must(method: string, urlPath: string, body?: unknown): Promise<unknown> {
    const answer = await rig.api(method, urlPath, body);
    assert.ok(answer.status < 300, `${method} ${urlPath}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /**
   * Waits for each kube-proxy's event "Starting", which it writes once all its handlers are registered. Since 1.34 one
   * may lose for good the zone that its node has before: `NewNodeTopologyConfig` hears of the node at once, the proxier
   * is registered with it after that, and what does not change is not told again (`cmd/kube-proxy/app/server.go`).
   */
  async function allStarted(): Promise<void> {
    const events = '/apis/events.k8s.io/v1/namespaces/default/events';
    await waitFor({ what: 'every kube-proxy', timeoutMs: 60_000, everyMs: 200 }, async () => {
      const { items } = (await must('GET', events)) as { items: { reason?: string }[] };
      const started = items.filter(({ reason }) => reason === 'Starting');
      return started.length >= all.length ? true : undefined;
    });
  }

  async function create({ service, slices }: RuleCase): Promise<void> {
    await must('POST', SERVICES, service);
    if (service['status'] !== undefined)
      await must('PATCH', `${SERVICES}/${service.metadata.name}/status`, {
        status: service['status'],
      });
    for (const object of slices) await must('POST', SLICES, object);
  }

  /** Waits until every side agrees, and says what differs where it never does. */
  async function agree(): Promise<void> {
    const objects = await listAll(rig);
    for (const side of all) {
      for (const family of FAMILIES) {
        const wanted = wantedOf(objects, side.node, family);
        let last: string[] = [];
        await waitFor({ what: 'agreement', timeoutMs: 15_000, everyMs: 200 }, async () => {
          last = differences(wanted, await readKernel(rig, side, family));
          return last.length === 0 ? true : undefined;
        }).catch(() => undefined);
        assert.deepEqual(last, [], `${side.title} on ${side.node}, ${family}`);
        compared += [...wanted.values()].reduce((sum, { endpoints }) => sum + endpoints.size, 0);
      }
    }
  }

  it('agrees on Services of every kind', async () => {
    for (const made of handMadeCases()) await create(made);
    await agree();
    assert.ok(compared > 250, `only ${compared} entries`);
  });

  it('agrees after changes: endpoints, ports, policies, a Service deleted', async () => {
    const path = (name: string): string => `${SLICES}/${name}`;
    await must('PATCH', path('plain-1'), { endpoints: [{ addresses: ['10.244.7.7'] }] });
    await must('DELETE', path('multi-1'));
    await must('DELETE', `${SERVICES}/affinity`);
    await must('PATCH', `${SERVICES}/etp-local`, { spec: { externalTrafficPolicy: 'Cluster' } });
    await must('PATCH', `${SERVICES}/itp-local`, { spec: { internalTrafficPolicy: 'Cluster' } });
    const renamed = [{ name: 'web', port: 80 }];
    await must('PATCH', `${SERVICES}/two-slices`, { spec: { ports: renamed } });
    await must('PATCH', path('two-slices-3'), { ports: [{ name: 'web', port: 9090 }] });
    await agree();
  });

  it('agrees on random Services', async () => {
    for (const seed of [1, 2, 3]) {
      const roll = dice(seed);
      for (let index = 0; index < 40; index += 1)
        await create(randomCase(roll, `random-${seed}-${index}`));
      await agree();
    }
  });

  it('agrees in large-cluster mode, where iptables rules have no comments', async () => {
    const endpoints = (third: number): Record<string, unknown>[] =>
      Array.from({ length: 600 }, (_, index) => ({
        addresses: [`10.245.${third + Math.floor(index / 250)}.${1 + (index % 250)}`],
      }));
    await must('POST', SLICES, slice('no-slice', 1, endpoints(0)));
    await must('POST', SLICES, slice('empty', 2, endpoints(10)));
    await agree();
    const text = await rig.capture('iptables-nft-save', '-t', 'nat');
    // Of the second slice: where kube-proxy synced between the two, it wrote the first below the limit, with comments.
    const line = text
      .split('\n')
      .find((rule) => rule.endsWith('--to-destination 10.245.10.1:8080'));
    assert.ok(line);
    assert.equal(line.includes('--comment'), false, line);
  });

  it('would notice a single wrong entry', async () => {
    const side = all[0] ?? assert.fail();
    const kernel = new Map(await readKernel(rig, side, 'IPv4'));
    const wanted = wantedOf(await listAll(rig), side.node, 'IPv4');
    // Where an endpoint may be there or not, its absence is no difference: such a front proves nothing here.
    const sure = [...wanted].find(
      ([key, { endpoints, either }]) => kernel.has(key) && endpoints.size > 0 && either.size === 0,
    );
    const [key, { endpoints }] = sure ?? assert.fail('no front is certain');
    const front = kernel.get(key) ?? assert.fail();
    kernel.set(key, { ...front, endpoints: new Set(['192.0.2.1:1']) });
    assert.equal(differences(wanted, kernel).length, 1 + endpoints.size);
  });
});
