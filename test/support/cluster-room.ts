/**
 * One real cluster of one machine in namespaces of its own: `cluster-room LOGS`. Makes it, asks it what the provider
 * promises, kills its machine, takes it away, and prints what came of it as one line of JSON.
 */
import { Resolver } from 'node:dns/promises';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createStore } from '../../harness/components/store.ts';
import { startRunClock } from '../../harness/core/clock.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import { messageOf } from '../../harness/core/errors.ts';
import type { KubeApi, KubeObject } from '../../harness/core/kube.ts';
import { local } from '../../harness/exec/local.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { DNS_ADDRESS } from '../../harness/providers/cluster-networks.ts';
import type { Cluster, ClusterNode } from '../../harness/providers/provider.ts';
import { createVmProvider } from '../../harness/providers/vm/provider.ts';
import { vmParts } from '../../harness/run/ahead-vm.ts';
import { planOf } from './history.ts';

export interface ClusterReport {
  nodes: { name: string; ready: string | undefined; podCidr: string | undefined }[];
  proxyMode: string;
  /** What the kernel's IPVS has for the Service under test. */
  realServers: string[];
  /** Names of the pods that answered at the Service's address, asked from this side. */
  answered: string[];
  /** Whether CoreDNS gave the Service's address, asked at its own Service. */
  resolved: boolean;
  clockErrorMs: number;
  /** Why the cluster broke, after its machine was killed. */
  broken: string;
  left: { links: string[]; processes: string[]; secrets: boolean };
}

const LIMITS = { timeoutMs: 30_000 };
const PORT = 8080;
const clock = startRunClock();
const never = new AbortController().signal;
const say = (line: string): void => {
  console.error(`${(clock.nowMs() / 1_000).toFixed(1)} s ${line}`);
};

async function main(logsDir: string): Promise<ClusterReport> {
  // The run's folder goes with the logs.
  process.env['TMPDIR'] = logsDir;
  await local.run({ argv: ['ip', 'link', 'set', 'lo', 'up'] }, LIMITS);
  const before = await links();
  const store = createStore({ offline: process.env['CI'] !== 'true' });
  const provider = createVmProvider(() => vmParts(store));
  const plan = planOf({ provider: 'vm', proxyMode: 'ipvs', nodes: 1 });
  const cluster = await provider.provision({ plan, clock, logsDir, say, signal: never });
  try {
    const report = await ask(cluster);
    await cluster.collectLogs();
    const broken = await killMachine(cluster);
    await cluster.destroy();
    await cluster.destroy();
    const now = await links();
    return {
      ...{ ...report, broken },
      left: {
        links: now.filter((link) => !before.includes(link)),
        processes: await processesOf(/^(qemu-system|etcd|kube-)/),
        secrets: await stat(cluster.kubeconfig).then(
          () => true,
          () => false,
        ),
      },
    };
  } finally {
    await cluster.destroy();
  }
}

async function ask(cluster: Cluster): Promise<Omit<ClusterReport, 'broken' | 'left'>> {
  const { kube } = cluster;
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('there is a node');
  const askedMs = Date.now();
  const wallMs = Number((await said(node, 'date', '+%s%3N')).trim());
  const clockErrorMs = Math.max(0, askedMs - wallMs, wallMs - Date.now());
  const address = await makeService(kube, cluster.loadImage);
  for (const service of [address, DNS_ADDRESS])
    await runOrThrow(
      local,
      { argv: ['ip', 'route', 'add', service, 'via', node.addresses[0] ?? ''] },
      LIMITS,
    );
  const found = await kube.list({ apiVersion: 'v1', kind: 'Node' });
  return {
    clockErrorMs,
    nodes: found.map(describeNode),
    proxyMode: await said(node, 'curl', '--silent', 'http://127.0.0.1:10249/proxyMode'),
    answered: await askBoth(`http://${address}:${PORT}/hostname`),
    realServers: (await said(node, 'ipvsadm', '-Ln', '-t', `${address}:${PORT}`))
      .split('\n')
      .filter((line) => line.includes('->') && line.includes('Masq')),
    resolved: (await resolve('echo.default.svc.cluster.local')) === address,
  };
}

/** Two backends of upstream's test server; returns the Service's address. */
async function makeService(kube: KubeApi, image: string): Promise<string> {
  const labels = { app: 'echo' };
  const metadata = { name: 'echo', namespace: 'default' };
  const command = ['/usr/local/bin/agnhost', 'netexec', '--http-port', String(PORT)];
  const containers = [{ name: 'echo', image, imagePullPolicy: 'Never', command }];
  await kube.apply({
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  });
  const service = await kube.apply({
    ...{ apiVersion: 'v1', kind: 'Service', metadata },
    spec: { selector: labels, ports: [{ port: PORT }] },
  });
  return (service['spec'] as { clusterIP: string }).clusterIP;
}

/** From this side of the bridge, through the node. */
async function askBoth(url: string): Promise<string[]> {
  const answered = new Set<string>();
  const wait = { what: 'both backends to answer', timeoutMs: 180_000, everyMs: 200 };
  await waitFor(wait, async () => {
    const signal = AbortSignal.timeout(5_000);
    const answer = await fetch(url, { signal, headers: { connection: 'close' } });
    answered.add(await answer.text());
    return answered.size === 2 ? true : undefined;
  });
  return [...answered].sort();
}

async function resolve(name: string): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: 5_000, tries: 3 });
  resolver.setServers([DNS_ADDRESS]);
  return (await resolver.resolve4(name))[0];
}

function describeNode(node: KubeObject): ClusterReport['nodes'][number] {
  const { podCIDR } = node['spec'] as { podCIDR?: string };
  const { conditions } = node['status'] as { conditions: { type: string; status: string }[] };
  const ready = conditions.find(({ type }) => type === 'Ready')?.status;
  return { name: node.metadata.name, ready, podCidr: podCIDR };
}

async function said(node: ClusterNode, ...argv: [string, ...string[]]): Promise<string> {
  return runOrThrow(node, { argv }, LIMITS);
}

async function killMachine({ broken }: Cluster): Promise<string> {
  const [pid] = await processesOf(/^qemu-system/);
  process.kill(Number(pid?.split(' ')[0]), 'SIGKILL');
  const wait = { what: 'the cluster to notice', timeoutMs: 10_000, everyMs: 50 };
  return waitFor(wait, () =>
    Promise.resolve(broken?.aborted === true ? messageOf(broken.reason) : undefined),
  );
}

/** Of this pid namespace, which is our own. */
async function processesOf(name: RegExp): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const named = pids.map(async (pid) => {
    const comm = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    return `${pid} ${comm.trim()}`;
  });
  return (await Promise.all(named)).filter((line) => name.test(line.split(' ')[1] ?? ''));
}

async function links(): Promise<string[]> {
  const { stdout } = await local.run({ argv: ['ip', '-json', 'link'] }, LIMITS);
  return (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname);
}

const [file, logs = ''] = process.argv.slice(1);
if (file === import.meta.filename) {
  console.log(JSON.stringify(await main(logs)));
  process.exit(0);
}
