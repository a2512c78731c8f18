/**
 * Records by how much each node's wall clock differs from this machine's. The heartbeats learn it; of a node that answers
 * none (frozen, or gone) only what was known last could be said again, so nothing is recorded until it answers.
 */
import type { Sample } from '../core/history.ts';
import type { Stage } from './context.ts';

const EVERY_MS = 1_000;

/** `everyMs` is for tests. */
export function watchClocks(
  { clock, nodes }: Pick<Stage, 'clock' | 'nodes'>,
  record: (sample: Sample) => void,
  everyMs = EVERY_MS,
): { readonly stop: () => void } {
  const recordedMs = new Map<string, number>();
  const timer = setInterval(() => {
    for (const { node, agent } of nodes) {
      const heardMs = agent.heardMs();
      if (heardMs <= (recordedMs.get(node.name) ?? -Infinity)) continue;
      recordedMs.set(node.name, heardMs);
      const tMs = clock.nowMs();
      // Where its clock is behind, the node will show our time only later.
      const offsetMs = Math.round(tMs - agent.wallToRunMs(Date.now()));
      record({ tMs, node: node.name, probe: 'clock', values: { offset_ms: offsetMs } });
    }
  }, everyMs);
  return {
    stop: () => {
      clearInterval(timer);
    },
  };
}
