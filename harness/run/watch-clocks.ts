/**
 * Records by how much each node's wall clock differs from this machine's. The heartbeats have learnt it already; a node
 * that answers none (a frozen one) is recorded as what was known last, so only what follows an answer tells something.
 */
import type { Sample } from '../core/history.ts';
import type { Stage } from './context.ts';

const EVERY_MS = 1_000;

export function watchClocks(
  { clock, nodes }: Pick<Stage, 'clock' | 'nodes'>,
  record: (sample: Sample) => void,
): { readonly stop: () => void } {
  const timer = setInterval(() => {
    const tMs = clock.nowMs();
    const wallMs = Date.now();
    for (const { node, agent } of nodes) {
      // Where its clock is behind, the node will show our time only later.
      const offsetMs = Math.round(tMs - agent.wallToRunMs(wallMs));
      record({ tMs, node: node.name, probe: 'clock', values: { offset_ms: offsetMs } });
    }
  }, EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
    },
  };
}
