/** Which nodes a selector means: the one place that knows what a canary is. */
import type { NodeInfo } from '../core/node.ts';
import type { NodeSelector } from '../core/plan.ts';

/** The canary is the first worker, or the only node. Returns [] where a selector matches nothing. */
export function selectNodes<N extends NodeInfo>(nodes: readonly N[], selector: NodeSelector): N[] {
  const workers = nodes.filter(({ role }) => role === 'worker');
  const canary = workers[0] ?? nodes[0];
  switch (selector) {
    case 'all':
      return [...nodes];
    case 'worker':
      return workers;
    case 'control-plane':
      return nodes.filter(({ role }) => role === 'control-plane');
    case 'canary':
      return canary === undefined ? [] : [canary];
    case 'rest':
      return nodes.filter((node) => node !== canary);
  }
}
