/** What faults and churn ask of the ground, whoever makes the cluster. Pure. */
import { faultsOf, type Plan, type PluginUse } from '../core/plan.ts';

/** Everything that a plan does to nodes and to the API, but upgrades. */
export function disturbancesOf({ phases }: Pick<Plan, 'phases'>): PluginUse[] {
  return phases.flatMap((phase) => [
    ...faultsOf(phase),
    ...(phase.churn === undefined ? [] : [phase.churn]),
  ]);
}

const OF_IPVS = ['edit-ipvs', 'drain-reuse'];

/** One sentence for each that works on rules which kube-proxy does not write in this mode. */
export function ipvsRefusals(plan: Pick<Plan, 'phases' | 'proxyMode'>): string[] {
  if (plan.proxyMode === 'ipvs') return [];
  const names = new Set(disturbancesOf(plan).map(({ name }) => name));
  return OF_IPVS.filter((name) => names.has(name)).map(
    (name) =>
      `${name} works on kube-proxy’s IPVS rules, and \`proxyMode\` is ${plan.proxyMode}: say \`proxyMode: ipvs\``,
  );
}

/** Whether a node's kernel must have ip_vs. */
export function needsIpVs(plan: Pick<Plan, 'phases' | 'proxyMode'>): boolean {
  const fills = ({ name }: PluginUse): boolean => name === 'ipvs-table';
  return plan.proxyMode === 'ipvs' || disturbancesOf(plan).some(fills);
}
