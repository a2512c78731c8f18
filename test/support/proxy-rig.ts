/**
 * A control plane without kubelets, inside a network namespace of its own: etcd, kube-apiserver, and any kube-proxy on
 * top. What kube-proxy programs there is real; nothing of it touches the host's rules. The API is reached from outside
 * through a unix socket, because those cross network namespaces.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from '../../harness/core/command.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import { local, startLocal, type LocalProcess } from '../../harness/exec/local.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';

const CLUSTER_CIDRS = '10.244.0.0/16,fd00:10:244::/56';
const NODE_IP = '172.30.0.1';

/** Paths of the programs under test. */
export interface RigBinaries {
  etcd: string;
  apiserver: string;
  kubectl: string;
}

export interface ProxyOptions {
  binary: string;
  mode: 'iptables' | 'nftables';
  variant?: 'nft' | 'legacy';
  node: string;
  /** Distinguishes the ports of two proxies in one namespace. */
  index?: number;
}

export interface ProxyRig {
  /** Folder for anything that should vanish with the rig. */
  readonly folder: string;
  readonly socketPath: string;
  api(method: string, urlPath: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  /** The same command, inside the rig's network namespace. */
  inside(command: Command): Command;
  capture(...argv: readonly [string, ...string[]]): Promise<string>;
  startProxy(options: ProxyOptions): LocalProcess;
  stop(): Promise<void>;
}

export async function startProxyRig(binaries: RigBinaries): Promise<ProxyRig> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coalmine-rig-'));
  const started: LocalProcess[] = [];
  const start = (command: Command, log: string): LocalProcess => {
    // With the parent's death the child goes too, so that a killed test run leaves no server behind.
    const child = startLocal({
      ...command,
      argv: ['setpriv', '--pdeathsig', 'KILL', ...command.argv],
    });
    keepLog(child, path.join(folder, `${log}.log`));
    started.push(child);
    return child;
  };
  const holder = start({ argv: ['unshare', '--net', 'cat'] }, 'holder');
  const inside = (command: Command): Command => ({
    ...command,
    argv: ['nsenter', `--net=/proc/${holder.pid}/ns/net`, ...command.argv],
  });
  const stop = async (): Promise<void> => {
    for (const child of started.toReversed()) child.kill('SIGKILL');
    await Promise.all(started.map((child) => child.ended));
    rmSync(folder, { recursive: true, force: true });
  };
  const socketPath = path.join(folder, 'api.sock');
  const rig: ProxyRig = {
    folder,
    socketPath,
    inside,
    stop,
    api: (method, urlPath, body) => callApi(socketPath, method, urlPath, body),
    capture: (...argv) => runOrThrow(local, inside({ argv }), { timeoutMs: 30_000 }),
    startProxy: (options) => start(inside(proxyCommand(folder, options)), proxyName(options)),
  };
  try {
    await bringUp(rig, binaries, (command, log) => start(inside(command), log));
    return rig;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bringUp(
  rig: ProxyRig,
  binaries: RigBinaries,
  start: (command: Command, log: string) => LocalProcess,
): Promise<void> {
  await waitFor({ what: 'the network namespace', timeoutMs: 10_000, everyMs: 20 }, async () => {
    const links = await rig.capture('ip', '-o', 'link');
    return links.trim().split('\n').length < 4 ? true : undefined;
  });
  await rig.capture('ip', 'link', 'set', 'lo', 'up');
  await rig.capture('ip', 'address', 'add', `${NODE_IP}/32`, 'dev', 'lo');
  writeCredentials(rig.folder);
  start({ argv: [binaries.etcd, '--data-dir', path.join(rig.folder, 'etcd')] }, 'etcd');
  start({ argv: [binaries.apiserver, ...apiserverFlags(rig.folder)] }, 'kube-apiserver');
  const kubeconfig = path.join(rig.folder, 'kubeconfig');
  await waitFor({ what: 'the API server of the rig', timeoutMs: 90_000, everyMs: 300 }, () =>
    rig.capture(binaries.kubectl, '--kubeconfig', kubeconfig, 'get', '--raw', '/readyz'),
  );
  const proxyArgv = ['proxy', '--unix-socket', rig.socketPath, '--reject-paths', '^$'] as const;
  start({ argv: [binaries.kubectl, '--kubeconfig', kubeconfig, ...proxyArgv] }, 'kubectl-proxy');
  await waitFor({ what: 'the socket of the rig', timeoutMs: 20_000, everyMs: 100 }, async () => {
    const answer = await rig.api('GET', '/api/v1/namespaces/default');
    return answer.status === 200 ? true : undefined;
  });
}

function writeCredentials(folder: string): void {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(path.join(folder, 'sa.key'), pem);
  writeFileSync(path.join(folder, 'tokens'), 'rig-token,rig,rig,system:masters\n');
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'rig',
        cluster: { server: 'https://127.0.0.1:6443', 'insecure-skip-tls-verify': true },
      },
    ],
    users: [{ name: 'rig', user: { token: 'rig-token' } }],
    contexts: [{ name: 'rig', context: { cluster: 'rig', user: 'rig' } }],
    'current-context': 'rig',
  };
  writeFileSync(path.join(folder, 'kubeconfig'), JSON.stringify(kubeconfig));
}

function apiserverFlags(folder: string): string[] {
  const flags = {
    'etcd-servers': 'http://127.0.0.1:2379',
    'cert-dir': path.join(folder, 'certificates'),
    'token-auth-file': path.join(folder, 'tokens'),
    'authorization-mode': 'AlwaysAllow',
    'service-account-issuer': 'https://rig.invalid',
    'service-account-key-file': path.join(folder, 'sa.key'),
    'service-account-signing-key-file': path.join(folder, 'sa.key'),
    'service-cluster-ip-range': '10.96.0.0/16,fd00:10:96::/112',
    'disable-admission-plugins': 'ServiceAccount',
    'advertise-address': NODE_IP,
  };
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

function proxyName({ mode, variant = 'nft', index = 0 }: ProxyOptions): string {
  return `kube-proxy-${mode}-${variant}-${index}`;
}

function proxyCommand(folder: string, options: ProxyOptions): Command {
  const index = options.index ?? 0;
  const flags = {
    kubeconfig: path.join(folder, 'kubeconfig'),
    'hostname-override': options.node,
    'proxy-mode': options.mode,
    'cluster-cidr': CLUSTER_CIDRS,
    'metrics-bind-address': `127.0.0.1:${10249 + 100 * index}`,
    'healthz-bind-address': `127.0.0.1:${10256 + 100 * index}`,
    'conntrack-max-per-core': '0',
    'conntrack-tcp-timeout-established': '0s',
    'conntrack-tcp-timeout-close-wait': '0s',
    v: '2',
  };
  const argv = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  return {
    argv: [options.binary, ...argv],
    env: { PATH: variantPath(folder, options.variant ?? 'nft') },
  };
}

/** kube-proxy calls `iptables`; which one it gets is decided by the PATH. */
function variantPath(folder: string, variant: 'nft' | 'legacy'): string {
  const bin = path.join(folder, `bin-${variant}`);
  mkdirSync(bin, { recursive: true });
  for (const family of ['iptables', 'ip6tables']) {
    for (const suffix of ['', '-save', '-restore']) {
      const link = path.join(bin, `${family}${suffix}`);
      rmSync(link, { force: true });
      symlinkSync(`/usr/sbin/${family}-${variant}${suffix}`, link);
    }
  }
  return `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`;
}

function keepLog(child: LocalProcess, file: string): void {
  const keep = (chunk: Buffer): void => {
    writeFileSync(file, chunk, { flag: 'a' });
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
}

function callApi(
  socketPath: string,
  method: string,
  urlPath: string,
  body: unknown,
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const call = request(
      { socketPath, method, path: urlPath, headers: { 'content-type': type }, timeout: 20_000 },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: response.statusCode ?? 0,
            body: text === '' ? null : JSON.parse(text),
          });
        });
      },
    );
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
