/** Makes what is under test (load/workload.ts), and waits until every backend is Ready and behind its Services. */
import { waitFor } from '../core/deadline.ts';
import type { KubeObject } from '../core/kube.ts';
import { NAMESPACE } from '../core/names.ts';
import type { Plan } from '../core/plan.ts';
import { WORKLOAD_DEPLOYMENT, workload } from '../load/workload.ts';
import type { Stage } from './context.ts';

const READY_MS = 120_000;

/** Resolves once the API has the objects: `untilWorkloadReady` waits for the pods. */
export async function applyWorkload({ plan, cluster, say }: Stage): Promise<void> {
  say(`starting ${plan.replicas} backends`);
  const [namespace, ...others] = workloadOf(plan, cluster.loadImage);
  if (namespace !== undefined) await cluster.kube.apply(namespace);
  await Promise.all(others.map((object) => cluster.kube.apply(object)));
}

export function workloadOf({ runId, replicas }: Plan, image: string): KubeObject[] {
  return workload({ runId, image, replicas });
}

export async function untilWorkloadReady({ plan, cluster, signal }: Stage): Promise<void> {
  const ref = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: WORKLOAD_DEPLOYMENT,
    namespace: NAMESPACE,
  };
  const what = `${plan.replicas} backends to be Ready`;
  await waitFor({ what, timeoutMs: READY_MS, signal }, async () => {
    const deployment = await cluster.kube.get(ref);
    const status = deployment?.['status'] as { availableReplicas?: number } | undefined;
    return status?.availableReplicas === plan.replicas ? true : undefined;
  });
}
