/** Starts the agent on every node and records what it says about itself: gaps, clock jumps, its loss. */
import { connectAgent } from '../agent/client.ts';
import type { Unwind } from '../core/unwind.ts';
import type { ManagedNode, Stage } from './context.ts';

/**
 * Each agent's goodbye is pushed to `unwind` before it is awaited. Throws only when every agent is there or has failed: the
 * caller unwinds then, and must not meet one that is still being started.
 */
export async function connectNodes(
  {
    plan,
    cluster,
    clock,
    emit,
    signal,
  }: Pick<Stage, 'plan' | 'cluster' | 'clock' | 'emit' | 'signal'>,
  unwind: Unwind,
): Promise<ManagedNode[]> {
  const connecting = await Promise.allSettled(
    cluster.nodes.map(async (node) => {
      const stream = await node.startAgent();
      unwind.push(`agent process of ${node.name}`, () => {
        stream.kill('SIGKILL');
      });
      const agent = await connectAgent({
        stream,
        node: node.name,
        clock,
        runId: plan.runId,
        signal,
        onGap: (gap) => {
          emit.now({ kind: 'agent-gap', node: node.name, ...gap });
        },
        onClockJump: (jump) => {
          emit.at({ kind: 'clock-jump', node: node.name, ...jump });
        },
        onLost: (error) => {
          emit.now({ kind: 'agent-lost', node: node.name, detail: error.message });
        },
        onComplaint: (text) => {
          emit.now({ kind: 'note', text: `${node.name}: ${text}` });
        },
      });
      unwind.push(`agent of ${node.name}`, () => agent.close());
      return { node, agent };
    }),
  );
  return connecting.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}
