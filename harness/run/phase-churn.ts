/** The churn of a phase: by name to the plug-in, with a context of its own. */
import { CoalmineError } from '../core/errors.ts';
import { NAMESPACE } from '../core/names.ts';
import type { Plan, PluginUse } from '../core/plan.ts';
import { runChurn, type Churn, type ChurnContext } from '../disrupt/churn/churn.ts';
import { CHURNS } from '../disrupt/churn/index.ts';
import type { Stage } from './context.ts';

/** Makes what the churns of all phases will change, so that the oracle knows it before the first phase. */
export async function prepareChurns(stage: Stage): Promise<void> {
  for (const [index, { churn }] of stage.plan.phases.entries()) {
    if (churn === undefined) continue;
    const plugin = churnNamed(churn);
    await plugin.prepare?.(plugin.params.parse(churn.params), contextOf(stage, index));
  }
}

/** Runs the churn of the phase with that index. Throws what it threw. */
export async function runPhaseChurn(stage: Stage, phaseIndex: number): Promise<void> {
  const use = stage.plan.phases[phaseIndex]?.churn;
  if (use === undefined) return;
  const plugin = churnNamed(use);
  await runChurn(plugin, plugin.params.parse(use.params), contextOf(stage, phaseIndex));
}

function churnNamed(use: PluginUse): Churn<unknown> {
  const found = CHURNS.find(({ name }) => name === use.name);
  if (found === undefined) throw new CoalmineError('usage', `there is no churn named ${use.name}`);
  return found;
}

function contextOf(
  { plan, cluster, nodes, clock, signal, emit }: Stage,
  phaseIndex: number,
): ChurnContext {
  const numbered = plan.phases.slice(0, phaseIndex + 1).filter(({ churn }) => churn !== undefined);
  return {
    id: `c${numbered.length}`,
    runId: plan.runId satisfies Plan['runId'],
    namespace: NAMESPACE,
    kube: cluster.kube,
    nodes,
    clock,
    signal,
    emit: emit.at,
  };
}
