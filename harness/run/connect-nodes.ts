/** Meets the agent on every node and records what it says about itself: its boots, gaps, clock jumps, its loss and return. */
import { connectAgent } from '../agent/client.ts';
import { meetAgent, type LastingAgent } from '../agent/lasting-agent.ts';
import type { Unwind } from '../core/unwind.ts';
import type { ClusterNode } from '../providers/provider.ts';
import type { ManagedNode, Stage } from './context.ts';

type Meeting = Pick<Stage, 'plan' | 'cluster' | 'clock' | 'emit' | 'signal'>;

/**
 * Each agent's goodbye is pushed to `unwind` before it is awaited. Throws only when every agent is there or has failed: the
 * caller unwinds then, and must not meet one that is still being started.
 */
export async function connectNodes(meeting: Meeting, unwind: Unwind): Promise<ManagedNode[]> {
  const connecting = await Promise.allSettled(
    meeting.cluster.nodes.map(async (node) => {
      const agent = await meet(meeting, node);
      unwind.push(`agent process of ${node.name}`, () => {
        agent.kill();
      });
      unwind.push(`agent of ${node.name}`, () => agent.close());
      const restartBy: ManagedNode['restartBy'] = (...how) => agent.restartBy(...how);
      return { node, agent, restartBy };
    }),
  );
  return connecting.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

function meet(
  { plan, cluster, clock, emit, signal }: Meeting,
  node: ClusterNode,
): Promise<LastingAgent> {
  const { name } = node;
  // An interrupted run still wants its nodes back: only their end ends the waiting for one that boots.
  let giveUp: AbortSignal | undefined = signal;
  return meetAgent({
    ...{ name, clock, gone: cluster.broken },
    connect: async (onLost) => {
      const stream = await node.startAgent();
      const kill = (): void => {
        stream.kill('SIGKILL');
      };
      try {
        const connection = await connectAgent({
          ...{ stream, node: name, clock, runId: plan.runId, onLost },
          ...(giveUp === undefined ? {} : { signal: giveUp }),
          onGap: (gap) => {
            emit.now({ kind: 'agent-gap', node: name, ...gap });
          },
          onClockJump: (jump) => {
            emit.at({ kind: 'clock-jump', node: name, ...jump });
          },
          onComplaint: (text) => {
            emit.now({ kind: 'note', text: `${name}: ${text}` });
          },
        });
        giveUp = cluster.broken;
        return { connection, kill };
      } catch (error) {
        kill();
        throw error;
      }
    },
    onBoot: ({ id, atMs, errorMs }) => {
      emit.now({ kind: 'boot', node: name, id, atMs, errorMs });
    },
    onLost: (detail) => {
      emit.now({ kind: 'agent-lost', node: name, detail });
    },
    onBack: (detail) => {
      emit.now({ kind: 'agent-back', node: name, detail });
    },
  });
}
