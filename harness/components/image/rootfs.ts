/**
 * Debian root file systems by mmdebstrap: one for nodes, one for pods of each Debian suite. The suite decides the versions
 * of iptables, nftables and systemd, and nothing else is taken from the machine but its mirror.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Artifact, ComponentStore, StoreContext } from '../component.ts';
import { mirrorOf } from './mirror.ts';

/** bookworm and not newer: systemd of 256 and later refuses to boot on a host with cgroup v1. */
export const DEFAULT_SUITE = 'bookworm';

const PACKAGES = {
  node: [
    ...['systemd', 'systemd-sysv', 'dbus', 'udev', 'kmod', 'util-linux', 'mount', 'procps'],
    ...['iproute2', 'iptables', 'nftables', 'ipset', 'ipvsadm', 'conntrack', 'ethtool'],
    ...['containerd', 'runc', 'containernetworking-plugins', 'ca-certificates', 'curl', 'jq'],
  ],
  /** What kube-proxy calls, and the tools of load pods: one layer serves both, so a node holds it once. */
  pod: [
    ...['iptables', 'nftables', 'ipset', 'ipvsadm', 'conntrack', 'kmod'],
    ...['dnsperf', 'iproute2', 'iputils-ping', 'curl', 'ca-certificates', 'procps'],
  ],
} as const;
export type RootfsKind = keyof typeof PACKAGES;

/** Documentation and translations are a third of a small Debian and nobody reads them on a node. */
const LEFT_OUT = ['doc', 'man', 'info', 'locale', 'lintian'].map(
  (folder) => `/usr/share/${folder}/*`,
);

const MAKING = {
  node: { needBytes: 1_500_000_000, aboutSeconds: 60 },
  pod: { needBytes: 700_000_000, aboutSeconds: 30 },
} as const;

export function rootfsName(kind: RootfsKind): string {
  return `rootfs-${kind}`;
}

/** Returns the tar of a root file system; the packages' versions are those of the day on which it was made. */
export function produceRootfs(
  store: ComponentStore,
  kind: RootfsKind,
  suite: string,
  context: StoreContext,
): Promise<Artifact> {
  return store.produce(
    {
      name: rootfsName(kind),
      version: suite,
      inputs: ['rootfs 1', suite, process.arch, ...PACKAGES[kind], ...LEFT_OUT],
      ...MAKING[kind],
      make: async (file, { signal }) => {
        await runOrThrow(
          local,
          { argv: mmdebstrapArgv(kind, suite, file, await machineMirror(suite)) },
          {
            timeoutMs: 1_200_000,
            signal,
            code: 'component',
            wayOut:
              'Check that mmdebstrap is installed and that the Debian mirror can be reached (`coalmine doctor`).',
          },
        );
      },
    },
    context,
  );
}

export function mmdebstrapArgv(
  kind: RootfsKind,
  suite: string,
  file: string,
  mirror: string | undefined,
): [string, ...string[]] {
  return [
    'mmdebstrap',
    '--quiet',
    '--variant=minbase',
    '--format=tar',
    '--aptopt=Apt::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=Acquire::Retries "3"',
    ...LEFT_OUT.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    `--include=${PACKAGES[kind].join(',')}`,
    suite,
    file,
    // Without one, mmdebstrap takes Debian's own.
    ...(mirror === undefined ? [] : [mirror]),
  ];
}

/** The mirror that this machine's own apt uses for Debian; undefined on other distributions. */
async function machineMirror(suite: string): Promise<string | undefined> {
  const folder = '/etc/apt/sources.list.d';
  const names = await readdir(folder).catch(() => []);
  const files = ['/etc/apt/sources.list', ...names.map((name) => path.join(folder, name))];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return mirrorOf(
    files.map((file, index) => ({ file, text: texts[index] ?? '' })),
    suite,
  );
}
