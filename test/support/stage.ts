/** A run's stage over fake nodes: one control plane, then workers, with everything that happens kept in `events`. */
import type { HistoryEvent } from '../../harness/core/history.ts';
import type { NodeAgent } from '../../harness/core/node.ts';
import type { Plan } from '../../harness/core/plan.ts';
import type { Cluster, ClusterNode } from '../../harness/providers/provider.ts';
import type { Emit, Stage } from '../../harness/run/context.ts';
import { FakeKube } from './fake-kube.ts';
import type { FakeNode } from './fake-node.ts';
import { planOf } from './history.ts';

export interface FakeStage {
  stage: Stage;
  kube: FakeKube;
  events: HistoryEvent[];
  said: string[];
  stop: AbortController;
}

export function stageOf(
  fakes: readonly FakeNode[],
  plan: Partial<Plan> = {},
  more: { agent?: Partial<NodeAgent>; node?: Partial<ClusterNode> } = {},
): FakeStage {
  const events: HistoryEvent[] = [];
  const said: string[] = [];
  const stop = new AbortController();
  const kube = new FakeKube();
  const emit: Emit = {
    now: (event) => {
      emit.at({ tMs: events.length, ...event });
    },
    at: (event) => events.push(event),
  };
  const nodes = fakes.map((fake, index) => ({
    node: {
      ...fake.info,
      role: index === 0 ? ('control-plane' as const) : ('worker' as const),
      run: (command: Parameters<FakeNode['run']>[0]) => fake.run(command),
      startAgent: notHere,
      ...more.node,
    },
    agent: { ...fake.agent, ...more.agent },
  }));
  const cluster: Cluster = {
    nodes: nodes.map(({ node }) => node),
    kube,
    kubeconfig: '/nowhere',
    loadImage: 'load',
    kubeProxyImage: (version) => `proxy:${version}`,
    collectLogs: notHere,
    destroy: notHere,
  };
  const stage: Stage = {
    plan: planOf({ nodes: fakes.length, ...plan }),
    clock: { startedAt: '', nowMs: () => events.length },
    emit,
    cluster,
    nodes,
    signal: stop.signal,
    say: (line) => said.push(line),
  };
  return { stage, kube, events, said, stop };
}

function notHere(): never {
  throw new Error('not part of this fake');
}
