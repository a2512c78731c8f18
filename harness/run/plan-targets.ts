/**
 * What of a plan would touch nothing: a selector without a node, an upgrade to what is there. A cluster of the same shape is
 * enough to know it, and minutes cheaper than the real one.
 */
import type { NodeInfo } from '../core/node.ts';
import { faultsOf, type Plan, type PlannedPhase } from '../core/plan.ts';
import { FAULTS } from '../disrupt/faults/index.ts';
import { selectNodes } from './nodes.ts';

/** Returns one sentence for each load, fault and upgrade that would find nothing to do; [] for a sound plan. Pure. */
export function emptyHanded(plan: Plan, roles: readonly NodeInfo['role'][]): string[] {
  const nodes = shapeOf(roles);
  const none = (on: string): string =>
    on === 'control-plane' && !roles.includes('control-plane')
      ? 'no node is `control-plane`, which runs beside the nodes here'
      : `no node is \`${on}\` where \`nodes\` is ${plan.nodes}`;
  return [
    ...idleLoads(plan, nodes, none),
    ...plan.phases.flatMap((phase) =>
      faultsOf(phase).flatMap((fault) => {
        const params = FAULTS.find(({ name }) => name === fault.name)?.params.parse(fault.params);
        if (params === undefined || selectNodes(nodes, params.node).length > 0) return [];
        return [`phase ${phase.name}: ${none(params.node)}`];
      }),
    ),
    ...idleKubelets(plan, nodes, none),
    ...idleUpgrades(plan, nodes, none),
  ];
}

/** Those that lack the same node together: a plan has many loads. */
function idleLoads(
  { load }: Plan,
  nodes: readonly NodeInfo[],
  none: (on: string) => string,
): string[] {
  const idle = load.filter(({ from }) => selectNodes(nodes, from).length === 0);
  return [...new Set(idle.map(({ from }) => from))].map((selector) => {
    const ids = idle.filter(({ from }) => from === selector).map(({ id }) => id);
    return `load ${ids.join(', ')}: ${none(selector)}`;
  });
}

function shapeOf(roles: readonly NodeInfo['role'][]): NodeInfo[] {
  return roles.map((role, index) => ({ name: `n${index}`, role, addresses: [] }));
}

/** The control plane's kubelet is always that of its own version. */
function idleKubelets(
  { components }: Plan,
  nodes: readonly NodeInfo[],
  none: (on: string) => string,
): string[] {
  const workers = selectNodes(nodes, 'worker');
  const others = workers.filter((node) => !selectNodes(nodes, 'canary').includes(node));
  const { kubelet, 'canary-kubelet': canary } = components;
  return [
    ...(kubelet !== undefined && workers.length === 0
      ? [`kubelet ${kubelet}: ${none('worker')}`]
      : []),
    ...(kubelet !== undefined && canary !== undefined && workers.length > 0 && others.length === 0
      ? [`kubelet ${kubelet}: the canary, which has one of its own, is the only worker`]
      : []),
    ...(canary !== undefined && workers.length === 0
      ? [
          `canary-kubelet ${canary}: the only node is the control plane, whose kubelet is that of \`kubernetes\``,
        ]
      : []),
  ];
}

function idleUpgrades(
  { phases, components }: Plan,
  nodes: readonly NodeInfo[],
  none: (on: string) => string,
): string[] {
  const installed = new Map<string, string>();
  const keyOf = (node: NodeInfo, component: string): string => `${node.name} ${component}`;
  const idle = ({ name, upgrade }: PlannedPhase): string[] => {
    if (upgrade === undefined) return [];
    const { component, to, on } = upgrade;
    const targets = selectNodes(nodes, on);
    if (targets.length === 0) return [`phase ${name}: ${none(on)}`];
    const due = targets.filter(
      (node) => (installed.get(keyOf(node, component)) ?? components[component]) !== to,
    );
    for (const node of due) installed.set(keyOf(node, component), to);
    return due.length > 0 ? [] : [`phase ${name}: ${component} is ${to} on \`${on}\` already`];
  };
  return phases.flatMap(idle);
}
