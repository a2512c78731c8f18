/** The workload, everything that looks at it, and the load: each waits until it is *ready*, not until some time has passed. */
import type { Sample } from '../core/history.ts';
import type { Unwind } from '../core/unwind.ts';
import { startOracle, type Oracle } from '../observe/freshness/oracle.ts';
import type { Stage } from './context.ts';
import { prepareChurns } from './phase-churn.ts';
import { recordProxies } from './proxy-identity.ts';
import { startLoads, type Loads } from './start-loads.ts';
import { applyWorkload, untilWorkloadReady } from './start-workload.ts';
import { watchClocks } from './watch-clocks.ts';
import { watchNodes } from './watch-nodes.ts';
import { watchProbes } from './watch-probes.ts';
import { watchSelf } from './watch-self.ts';

export async function startWatching(
  stage: Stage,
  record: (sample: Sample) => void,
  unwind: Unwind,
): Promise<{ oracle: Oracle; loads: Loads }> {
  const { plan, cluster, clock, emit, nodes, say } = stage;
  const watching = new AbortController();
  unwind.push('watches', () => {
    watching.abort();
  });
  await watchNodes(stage, watching.signal);
  unwind.push('self', watchSelf(stage).stop);
  unwind.push('clocks', watchClocks(stage, record).stop);
  // Asked at once: it takes a node without KVM as long as the objects take the API server.
  const proxies = recordProxies(stage);
  await applyWorkload(stage);
  // Their pods start beside the backends: a load is ready at its first success, and counts nothing before.
  const loads = await startLoads(stage, unwind);
  await untilWorkloadReady(stage);
  await prepareChurns(stage);
  await proxies;
  say('reading rules and counters');
  const oracle = await startOracle({
    kube: cluster.kube,
    agents: nodes.map(({ node, agent }) => ({ node: node.name, agent })),
    proxyMode: plan.proxyMode,
    proxyVersion: plan.components['kube-proxy'],
    everyMs: plan.rulesEveryMs,
    clock,
    emit: emit.at,
    signal: watching.signal,
  });
  unwind.push('oracle', () => oracle.stop());
  await oracle.ready();
  const probes = await watchProbes(stage, record);
  unwind.push('probes', probes.stop);
  await loads.ready();
  return { oracle, loads };
}
