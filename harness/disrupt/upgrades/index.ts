/** Every component whose version can be changed in a run. One line for each; nothing registers itself. */
import { kubeProxy } from './kube-proxy.ts';
import type { Upgrade } from './upgrade.ts';

export const UPGRADES: readonly Upgrade[] = [kubeProxy];
