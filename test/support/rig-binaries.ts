/** The real Kubernetes programs of the rig (proxy-rig.ts), and what it calls on this machine. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ComponentRef } from '../../harness/components/component.ts';
import { PINS } from '../../harness/components/plan-components.ts';
import { findComponent } from './components.ts';
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
    const file = await findComponent(ref);
    if (file === undefined)
      return `${ref.component} ${ref.version} is not cached; run \`coalmine setup\``;
    paths.push(file);
  }
  const [etcd = '', apiserver = '', kubectl = '', old = '', next = ''] = paths;
  return { etcd, apiserver, kubectl, proxies: [old, next] };
}

function isInstalled(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(path.join(folder, name)));
}
