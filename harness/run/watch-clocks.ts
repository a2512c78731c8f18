/**
 * Records by how much each node's wall clock differs from this machine's. The heartbeats have learnt it already; but a node
 * that answers none (frozen, or gone) would only repeat what was known last: nothing is recorded of it until it answers.
 */
import type { Sample } from '../core/history.ts';
import type { ManagedNode, Stage } from './context.ts';

const EVERY_MS = 1_000;

/** `everyMs` is for tests. */
export function watchClocks(
  { clock, nodes }: Pick<Stage, 'clock' | 'nodes'>,
  record: (sample: Sample) => void,
  everyMs = EVERY_MS,
): { readonly stop: () => void } {
  /** Nodes that were asked, and have not answered yet. */
  const asked = new Set<ManagedNode>();
  let isStopped = false;
  const recordNow = ({ node, agent }: ManagedNode): void => {
    if (isStopped) return;
    const tMs = clock.nowMs();
    // Where its clock is behind, the node will show our time only later.
    const offsetMs = Math.round(tMs - agent.wallToRunMs(Date.now()));
    record({ tMs, node: node.name, probe: 'clock', values: { offset_ms: offsetMs } });
  };
  const timer = setInterval(() => {
    for (const managed of nodes) {
      if (asked.has(managed)) continue;
      asked.add(managed);
      const answered = managed.agent.behind().then(
        () => true,
        () => false, // it is away, or has stood still for too long: it is asked again
      );
      void answered.then((hasAnswered) => {
        asked.delete(managed);
        if (hasAnswered) recordNow(managed);
      });
    }
  }, everyMs);
  return {
    stop: () => {
      isStopped = true;
      clearInterval(timer);
    },
  };
}
