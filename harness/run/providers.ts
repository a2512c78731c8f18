/** Every provider, in the order in which `auto` tries them. What a provider refuses is known from the plan alone. */
import type { NodeInfo } from '../core/node.ts';
import type { Plan } from '../core/plan.ts';
import { needsIpVs } from '../providers/fault-needs.ts';
import { nodeRoles } from '../providers/kind/config.ts';
import { refusals } from '../providers/kind/refusals.ts';
import { vmRefusals } from '../providers/vm/refusals.ts';
import type { Host } from './host.ts';

export interface ProviderEntry {
  readonly name: Plan['provider'];
  /** One sentence for each thing that can never work on it; empty = can serve. */
  readonly refuses: (plan: Plan, host: Host) => string[];
  /** Which roles a cluster of so many nodes has. */
  readonly roles: (count: number) => NodeInfo['role'][];
}

export const PROVIDER_LIST: readonly ProviderEntry[] = [
  {
    name: 'kind',
    refuses: (plan, host) => [
      ...refusals(plan),
      ...(needsIpVs(plan) && host.ipvs === false
        ? ['kind nodes share this machine’s kernel, which has no ip_vs']
        : []),
    ],
    roles: nodeRoles,
  },
  {
    name: 'vm',
    refuses: vmRefusals,
    roles: (count) => Array.from({ length: count }, () => 'worker' as const),
  },
];
