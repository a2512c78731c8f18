/**
 * One kind of cluster, made six times in namespaces of its own: `snapshot-room IMAGE-JSON FOLDER`. The first one is saved,
 * the second goes on from there, the third, too, but has to start its control plane, and before each of the others what was
 * saved is damaged: so that one look tells, so that only QEMU notices, and so that only who reads all of it does. Prints
 * what came of it as one line of JSON.
 */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { connect } from 'node:tls';
import { sha256OfFile } from '../../harness/components/digest.ts';
import { createStore } from '../../harness/components/store.ts';
import { startRunClock } from '../../harness/core/clock.ts';
import type { Executor } from '../../harness/core/command.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import type { KubeApi } from '../../harness/core/kube.ts';
import { local } from '../../harness/exec/local.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import type { Cluster, ClusterNode } from '../../harness/providers/provider.ts';
import { nodeAddress } from '../../harness/providers/vm/addresses.ts';
import { CLIENT_PEM } from '../../harness/providers/vm/node-identity.ts';
import type { VmParts } from '../../harness/providers/vm/prepare.ts';
import { createVmProvider } from '../../harness/providers/vm/provider.ts';
import { vmParts } from '../../harness/run/ahead-vm.ts';
import { planOf } from './history.ts';

export interface SnapshotReport {
  /** Of each cluster, in order: what the provider said, from its own start. */
  said: string[][];
  /** Of each: seconds until it was there. */
  tookSeconds: number[];
  /** Of each: whether a pod that was asked for then became Ready on each of its nodes. */
  served: boolean[];
  /** Of the second one. */
  clockErrorMs: number;
  rtcErrorSeconds: number;
  newestJournalLine: string;
  /** Exit codes of the commands that take its NIC out and put it back. */
  nic: (number | null)[];
  /** How many renewals of its node's lease came. */
  heartbeats: number;
  /** Of each that its kubelet asks by, in order of the clusters: what the node has. */
  clientCerts: string[];
  /** The same of those that it answers by: what it has, and what somebody gets who asks. */
  serverCerts: { has: string; answersBy: string }[];
  /** Names of what is kept. */
  files: string[];
  folderMode: string;
  savedBytes: number;
}

const LIMITS = { timeoutMs: 60_000 };
const READY_MS = 120_000;
/** The kubelet's own name for what it was given last. */
const SERVING_PEM = '/var/lib/kubelet/pki/kubelet-server-current.pem';
/** Of a node that did not do what it should. */
const FOR_AUTOPSY: readonly (readonly [string, ...string[]])[] = [
  ['date'],
  ['ss', '-tnp'],
  ['journalctl', '--no-pager', '--lines=60'],
  ['dmesg'],
];
const clock = startRunClock();
const never = new AbortController().signal;
const MACHINE = { cpus: 2, memoryMiB: 1_536, testNics: 1, queues: 2 };
const LEASE = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'kube-node-lease' };

async function main(folder: string): Promise<SnapshotReport> {
  // The folders of runs go with it.
  process.env['TMPDIR'] = folder;
  await local.run({ argv: ['ip', 'link', 'set', 'lo', 'up'] }, LIMITS);
  const cache = {
    snapshots: path.join(folder, 'snapshots'),
    partial: path.join(folder, 'partial'),
    locks: path.join(folder, 'locks'),
  };
  const parts = {
    ...(await vmParts(createStore({ offline: process.env['CI'] !== 'true' }))),
    snapshots: cache,
  };
  const lists = { said: [], tookSeconds: [], served: [], clientCerts: [], serverCerts: [] };
  const report = lists as unknown as SnapshotReport;
  /** As one run after the other. */
  const inRun = async (
    look?: (cluster: Cluster) => Promise<Partial<SnapshotReport>>,
    other: Partial<VmParts> = {},
  ) => {
    const provider = createVmProvider(() => Promise.resolve({ ...parts, ...other }));
    const lines: string[] = [];
    const say = (line: string): void => {
      lines.push(line);
      console.error(line);
    };
    const runId = `run-${report.said.push(lines)}`;
    const plan = {
      ...planOf({ provider: 'vm', proxyMode: 'ipvs', nodes: 1, runId }),
      machine: MACHINE,
    };
    const logsDir = path.join(folder, `logs-${runId}`);
    const fromMs = clock.nowMs();
    const cluster = await provider.provision({ plan, clock, logsDir, say, signal: never });
    report.tookSeconds.push((clock.nowMs() - fromMs) / 1_000);
    try {
      if (look !== undefined) Object.assign(report, await look(cluster));
      report.served.push(await becomesReady(cluster));
      const [node] = cluster.nodes;
      if (node !== undefined) await readIdentity(node, report);
    } catch (error) {
      for (const node of cluster.nodes)
        for (const argv of FOR_AUTOPSY) console.error((await node.run({ argv }, LIMITS)).stdout);
      throw error;
    } finally {
      await cluster.destroy();
    }
  };
  const saved = (name: string): string =>
    path.join(cache.snapshots, readdirSync(cache.snapshots)[0] ?? '', name);

  await inRun();
  report.files = readdirSync(saved('.')).sort();
  report.folderMode = (statSync(saved('.')).mode & 0o777).toString(8);
  report.savedBytes = report.files.reduce((sum, name) => sum + statSync(saved(name)).size, 0);
  await inRun(look);
  await inRun(undefined, { criu: { folder: path.join(folder, 'nowhere') } });
  truncateSync(saved('worker-1.memory'), report.savedBytes >> 2);
  await inRun();
  await cutWithManifest(saved('worker-1.devices'), saved('manifest.json'));
  await inRun();
  changeOneByte(saved('worker-1.memory'));
  await inRun();
  return report;
}

async function look(cluster: Cluster): Promise<Partial<SnapshotReport>> {
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('there is a node');
  return {
    ...(await clockErrors(node)),
    newestJournalLine: (await ask(node, 'journalctl', '--no-pager', '--lines=1')).trim(),
    nic: await reattach(node),
    heartbeats: await heartbeat(cluster.kube, node.name),
  };
}

async function readIdentity(node: Executor, report: SnapshotReport): Promise<void> {
  const fingerprint = async (file: string): Promise<string> =>
    new X509Certificate(await ask(node, 'cat', file)).fingerprint256;
  report.clientCerts.push(await fingerprint(CLIENT_PEM));
  const has = await fingerprint(SERVING_PEM);
  const wait = { what: 'the kubelet to answer by its certificate', timeoutMs: READY_MS };
  const answersBy = await waitFor(wait, async () => {
    const found = await presented();
    return found === has ? found : undefined;
  }).catch(presented);
  report.serverCerts.push({ has, answersBy });
}

function presented(): Promise<string> {
  return new Promise((resolve, reject) => {
    // As the API server asks: by its address, without a name.
    const to = { host: nodeAddress(0), port: 10_250 };
    const socket = connect({ ...to, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** Scheduled, started, and seen by its kubelet: all of the cluster takes part in it. */
async function becomesReady({ kube, loadImage }: Cluster): Promise<boolean> {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pause', namespace: 'default' } };
  const command = ['/usr/local/bin/agnhost', 'pause'];
  const containers = [{ name: 'pause', image: loadImage, imagePullPolicy: 'Never', command }];
  await kube.apply({ ...pod, spec: { containers, terminationGracePeriodSeconds: 0 } });
  const wait = { what: 'a pod to be Ready', timeoutMs: READY_MS };
  return waitFor(wait, async () => {
    const found = await kube.get({ ...pod, name: 'pause', namespace: 'default' });
    const { conditions = [] } = (found?.['status'] ?? {}) as {
      conditions?: { type: string; status: string }[];
    };
    return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
      ? true
      : undefined;
  });
}

/** Returns 2 once two renewals of a node's lease came. */
async function heartbeat(kube: KubeApi, name: string): Promise<number> {
  const seen = new Set<string>();
  const wait = { what: `two heartbeats of ${name}`, timeoutMs: READY_MS };
  return waitFor(wait, async () => {
    const lease = await kube.get({ ...LEASE, name });
    seen.add((lease?.['spec'] as { renewTime?: string }).renewTime ?? '');
    return seen.size > 2 ? seen.size - 1 : undefined;
  });
}

async function ask(node: Executor, ...argv: [string, ...string[]]): Promise<string> {
  return runOrThrow(node, { argv }, LIMITS);
}

async function clockErrors(
  node: Executor,
): Promise<Pick<SnapshotReport, 'clockErrorMs' | 'rtcErrorSeconds'>> {
  const askedMs = Date.now();
  const wall = Number(await ask(node, 'date', '+%s%3N'));
  const clockErrorMs = Math.max(0, askedMs - wall, wall - Date.now());
  const rtc = Number(await ask(node, 'cat', '/sys/class/rtc/rtc0/since_epoch'));
  return { clockErrorMs, rtcErrorSeconds: Math.abs(Date.now() / 1_000 - rtc) };
}

async function reattach({ nics = [] }: ClusterNode): Promise<(number | null)[]> {
  const codes = [];
  for (const { detach, attach, verify } of nics)
    for (const command of [detach, attach, verify.command])
      codes.push((await local.run(command, LIMITS)).exitCode);
  return codes;
}

/** As if it had been written so. */
async function cutWithManifest(devices: string, manifest: string): Promise<void> {
  truncateSync(devices, statSync(devices).size >> 1);
  const { size: sizeBytes } = statSync(devices);
  const sha256 = await sha256OfFile(devices);
  const written = JSON.parse(readFileSync(manifest, 'utf8')) as { files: { name: string }[] };
  const files = written.files.map((file) =>
    file.name === path.basename(devices) ? { ...file, sizeBytes, sha256 } : file,
  );
  writeFileSync(manifest, JSON.stringify({ ...written, files }));
}

function changeOneByte(file: string): void {
  const opened = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  const at = statSync(file).size >> 1;
  readSync(opened, byte, 0, 1, at);
  byte.writeUInt8(byte.readUInt8() ^ 1);
  writeSync(opened, byte, 0, 1, at);
  closeSync(opened);
}

const [file, , folder = ''] = process.argv.slice(1);
if (file === import.meta.filename) {
  console.log(JSON.stringify(await main(folder)));
  process.exit(0);
}
