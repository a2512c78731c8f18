/** Makes what is under test (load/workload.ts) and waits until every backend is Ready and behind its Services. */
import { waitFor } from '../core/deadline.ts';
import { NAMESPACE } from '../core/names.ts';
import { WORKLOAD_DEPLOYMENT, workload } from '../load/workload.ts';
import type { Stage } from './context.ts';

const READY_MS = 120_000;

export async function startWorkload({ plan, cluster, signal, say }: Stage): Promise<void> {
  say(`starting ${plan.replicas} backends`);
  const objects = workload({
    runId: plan.runId,
    image: cluster.loadImage,
    replicas: plan.replicas,
  });
  for (const object of objects) await cluster.kube.apply(object);
  const ref = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: WORKLOAD_DEPLOYMENT,
    namespace: NAMESPACE,
  };
  await waitFor(
    { what: `${plan.replicas} backends to be Ready`, timeoutMs: READY_MS, signal },
    async () => {
      const deployment = await cluster.kube.get(ref);
      const status = deployment?.['status'] as { availableReplicas?: number } | undefined;
      return status?.availableReplicas === plan.replicas ? true : undefined;
    },
  );
}
