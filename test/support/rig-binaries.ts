/**
 * Where the real Kubernetes programs of a test come from: the folder COALMINE_TEST_BIN, else the component store. In CI
 * the store makes what it lacks; elsewhere a test does not build for minutes unasked.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ComponentName, ComponentRef } from '../../harness/components/component.ts';
import { PINS } from '../../harness/components/plan-components.ts';
import { createStore } from '../../harness/components/store.ts';
import type { RigBinaries } from './proxy-rig.ts';

export interface RigPaths extends RigBinaries {
  /** kube-proxy, two versions. */
  proxies: [string, string];
}

const VERSION = '1.34.3';
const REFS = [
  { component: 'etcd', version: PINS.etcd },
  { component: 'kube-apiserver', version: VERSION },
  { component: 'kubectl', version: VERSION },
  { component: 'kube-proxy', version: VERSION },
  { component: 'kube-proxy', version: '1.34.4' },
] as const satisfies readonly ComponentRef[];
/** What kube-proxy and the rig itself call on this machine. */
const HOST_PROGRAMS = [
  'ip',
  'iptables-nft-save',
  'iptables-legacy-save',
  'nft',
  'nsenter',
  'setpriv',
];

/** Returns the paths, or the reason why there are none. */
export async function rigBinaries(): Promise<RigPaths | string> {
  const lacking = HOST_PROGRAMS.filter((name) => !isInstalled(name));
  if (lacking.length > 0) return `not installed here: ${lacking.join(', ')}`;
  const paths: string[] = [];
  for (const ref of REFS) {
    const file = await find(ref);
    if (file === undefined)
      return `${ref.component} ${ref.version} is not cached; run \`coalmine setup\``;
    paths.push(file);
  }
  const [etcd = '', apiserver = '', kubectl = '', old = '', next = ''] = paths;
  return { etcd, apiserver, kubectl, proxies: [old, next] };
}

async function find({ component, version }: ComponentRef): Promise<string | undefined> {
  const folder = process.env['COALMINE_TEST_BIN'];
  if (folder !== undefined) return path.join(folder, fileName(component, version));
  const store = createStore();
  const ref = { component, version };
  if (process.env['CI'] !== 'true') return (await store.lookUp(ref))?.artifact.path;
  const context = { say: console.warn, signal: new AbortController().signal };
  return (await store.ensure(ref, context)).path;
}

function fileName(component: ComponentName, version: string): string {
  return component === 'etcd' ? component : `${component}-${version}`;
}

function isInstalled(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(path.join(folder, name)));
}
