/** Where the real Kubernetes programs of a test come from: a folder given by COALMINE_TEST_BIN. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { RigBinaries } from './proxy-rig.ts';

export interface RigPaths extends RigBinaries {
  /** kube-proxy, two versions. */
  proxies: [string, string];
}

const NAMES = [
  'etcd',
  'kube-apiserver-1.34.3',
  'kubectl-1.34.3',
  'kube-proxy-1.34.3',
  'kube-proxy-1.34.4',
] as const;

/** Returns the paths, or the reason why there are none. */
export async function rigBinaries(): Promise<RigPaths | string> {
  const folder = process.env['COALMINE_TEST_BIN'];
  if (folder === undefined) return Promise.resolve('COALMINE_TEST_BIN is not set');
  const paths = NAMES.map((name) => path.join(folder, name));
  const absent = paths.filter((file) => !existsSync(file));
  if (absent.length > 0) return Promise.resolve(`${absent.join(', ')}: no such file`);
  const [etcd = '', apiserver = '', kubectl = '', old = '', next = ''] = paths;
  return Promise.resolve({ etcd, apiserver, kubectl, proxies: [old, next] });
}
