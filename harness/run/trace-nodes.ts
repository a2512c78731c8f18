/**
 * Switches on in the nodes' kernels what a check of the plan needs and no node counts by itself, and reads it. It is put in
 * force, and taken back, the way faults are; a node whose kernel cannot do it ends the run before its first phase.
 */
import type { Sample } from '../core/history.ts';
import type { Unwind } from '../core/unwind.ts';
import type { ActiveFaults } from '../disrupt/active.ts';
import { tagOf } from '../disrupt/tag.ts';
import { traceSoftirqTimes } from '../disrupt/traces/softirq-times.ts';
import { CHECKERS } from '../judge/checkers/index.ts';
import { softirqTimes } from '../observe/probes/softirq-times.ts';
import type { Stage } from './context.ts';
import { watchProbe } from './watch-probes.ts';

/** Resolves once each node is being watched. Nothing happens where no check of the plan asks for it. */
export async function traceNodes(
  { plan, nodes, signal, say }: Pick<Stage, 'plan' | 'nodes' | 'signal' | 'say'>,
  faults: ActiveFaults,
  record: (sample: Sample) => void,
  unwind: Unwind,
): Promise<void> {
  const named = CHECKERS.filter(({ name }) => plan.checks.some((check) => check.name === name));
  if (!named.some(({ trace }) => trace === 'softirq-times')) return;
  for (const managed of nodes) {
    const { id, evidence } = await faults.start(
      traceSoftirqTimes,
      traceSoftirqTimes.params.parse({}),
      managed,
      signal,
    );
    say(`${traceSoftirqTimes.name} on ${managed.node.name}: ${evidence}`);
    const probe = softirqTimes(tagOf(plan.runId, id));
    const watch = await watchProbe(managed, probe, plan.sampleEveryMs, record);
    // Ended before the undo: a kernel does not let go of what is open.
    unwind.push(`${probe.name} of ${managed.node.name}`, () => watch.stop());
  }
}
