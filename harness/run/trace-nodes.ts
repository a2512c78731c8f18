/**
 * Switches on in the nodes' kernels what a check or a fault of the plan needs and no node tells by itself. It is put in
 * force, and taken back, the way faults are.
 */
import { CoalmineError } from '../core/errors.ts';
import type { Sample } from '../core/history.ts';
import { faultsOf, type Plan } from '../core/plan.ts';
import type { Unwind } from '../core/unwind.ts';
import type { ActiveFaults } from '../disrupt/active.ts';
import { freeze } from '../disrupt/faults/freeze.ts';
import { tagOf } from '../disrupt/tag.ts';
import { traceSoftirqTimes } from '../disrupt/traces/softirq-times.ts';
import { standstillOf, traceTimers } from '../disrupt/traces/timers.ts';
import { CHECKERS } from '../judge/checkers/index.ts';
import { softirqTimes } from '../observe/probes/softirq-times.ts';
import type { ManagedNode, Stage } from './context.ts';
import { selectNodes } from './nodes.ts';
import { watchProbe } from './watch-probes.ts';

type Tracing = Pick<Stage, 'plan' | 'nodes' | 'signal' | 'say'>;

/**
 * Resolves once each node is being watched, with the nodes and what their kernels keep track of now. Nothing happens where
 * the plan asks for nothing. A node whose kernel cannot do what a check needs ends the run before its first phase.
 */
export async function traceNodes(
  stage: Tracing,
  faults: ActiveFaults,
  record: (sample: Sample) => void,
  unwind: Unwind,
): Promise<readonly ManagedNode[]> {
  const { plan, nodes } = stage;
  const named = CHECKERS.filter(({ name }) => plan.checks.some((check) => check.name === name));
  if (named.some(({ trace }) => trace === 'softirq-times'))
    for (const managed of nodes) await countSoftirqs(stage, managed, faults, record, unwind);
  const stalled = stalledIn(plan, nodes);
  return Promise.all(
    nodes.map(async (managed) =>
      stalled.has(managed.node) ? watchTimers(stage, managed, faults) : managed,
    ),
  );
}

async function countSoftirqs(
  { plan, signal, say }: Tracing,
  managed: ManagedNode,
  faults: ActiveFaults,
  record: (sample: Sample) => void,
  unwind: Unwind,
): Promise<void> {
  const { name } = managed.node;
  const { id, evidence } = await faults.start(
    traceSoftirqTimes,
    traceSoftirqTimes.params.parse({}),
    managed,
    signal,
  );
  say(`${traceSoftirqTimes.name} on ${name}: ${evidence}`);
  const probe = softirqTimes(tagOf(plan.runId, id));
  const watch = await watchProbe(managed, probe, plan.sampleEveryMs, record);
  // Ended before the undo: a kernel does not let go of what is open.
  unwind.push(`${probe.name} of ${name}`, () => watch.stop());
}

/** The nodes whose machine is to stand still while its clock goes on. */
function stalledIn(plan: Plan, managed: readonly ManagedNode[]): ReadonlySet<ManagedNode['node']> {
  const nodes = managed.map(({ node }) => node);
  const stalls = plan.phases
    .flatMap(faultsOf)
    .filter(({ name, params }) => name === freeze.name && params['how'] === 'stall')
    .map(({ params }) => freeze.params.parse(params));
  const hit = stalls.flatMap(({ node }) => selectNodes(nodes, node));
  return new Set(hit.filter(({ freezes }) => freezes?.stall?.hold !== undefined));
}

/** Without it, the node's agent tells by its own ticks how long the machine stood still: less closely, and no error. */
async function watchTimers(
  { plan, signal, say }: Tracing,
  managed: ManagedNode,
  faults: ActiveFaults,
): Promise<ManagedNode> {
  try {
    const params = traceTimers.params.parse({});
    const { id, evidence } = await faults.start(traceTimers, params, managed, signal);
    say(`${traceTimers.name} on ${managed.node.name}: ${evidence}`);
    return { ...managed, standstill: standstillOf(managed.agent, tagOf(plan.runId, id)) };
  } catch (error) {
    if (!(error instanceof CoalmineError) || error.code !== 'inject') throw error;
    say(`how long ${managed.node.name} stands still, its agent alone can tell: ${error.message}`);
    return managed;
  }
}
