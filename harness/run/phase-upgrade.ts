/** The upgrade of a phase, one node after the other; what is on a node already is not done again. */
import { CoalmineError } from '../core/errors.ts';
import type { PlannedPhase } from '../core/plan.ts';
import { UPGRADES } from '../disrupt/upgrades/index.ts';
import type { Stage } from './context.ts';
import { selectNodes } from './nodes.ts';

type PlannedUpgrade = NonNullable<PlannedPhase['upgrade']>;

/** Versions that the nodes run now, by node and component; one for a whole run. */
export type Installed = Map<string, Map<string, string>>;

export function installedAtStart({ plan, nodes }: Pick<Stage, 'plan' | 'nodes'>): Installed {
  return new Map(nodes.map(({ node }) => [node.name, new Map(Object.entries(plan.components))]));
}

/** Throws `inject` where the phase would change nothing: an upgrade that touches nothing proves nothing. */
export async function runUpgrade(
  stage: Stage,
  { component, to, on }: PlannedUpgrade,
  installed: Installed,
  nextId: () => string,
): Promise<void> {
  const upgrade = UPGRADES.find((one) => one.component === component);
  if (upgrade === undefined) throw new CoalmineError('usage', `${component} cannot be upgraded`);
  const targets = selectNodes(
    stage.nodes.map(({ node }) => node),
    on,
  );
  if (targets.length === 0) {
    throw new CoalmineError('inject', `${component}: no node of this cluster is \`${on}\``);
  }
  const due = stage.nodes.filter(
    ({ node }) => targets.includes(node) && installed.get(node.name)?.get(component) !== to,
  );
  if (due.length === 0) {
    throw new CoalmineError('inject', `${component} ${to} is on every node of \`${on}\` already`);
  }
  for (const { node, agent } of due) {
    const from = installed.get(node.name)?.get(component) ?? 'unknown';
    stage.say(`${component} ${from} → ${to} on ${node.name}`);
    await upgrade.run(
      { node: node.name, agent, from, to },
      {
        id: nextId(),
        kube: stage.cluster.kube,
        clock: stage.clock,
        signal: stage.signal,
        image: (version) => stage.cluster.kubeProxyImage(version),
        emit: stage.emit.at,
      },
    );
    installed.get(node.name)?.set(component, to);
  }
}
