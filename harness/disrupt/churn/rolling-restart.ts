/** What `kubectl rollout restart` does: every pod of a Deployment is replaced. There is nothing to put back. */
import { z } from 'zod';
import { positiveDurationSchema } from '../../core/duration.ts';
import { waitFor } from '../../core/deadline.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { KubeObject } from '../../core/kube.ts';
import { listPods } from '../pods.ts';
import { sayChurn, type Churn } from './churn.ts';

const params = z.strictObject({
  deployment: z.string().min(1).default('echo'),
  timeout: positiveDurationSchema.default(120_000).describe('until the rollout is complete'),
});

const deploymentSchema = z.object({
  metadata: z.object({ generation: z.number().default(0) }),
  spec: z.object({
    replicas: z.number().default(1),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()).default({}) }),
  }),
  status: z
    .object({
      observedGeneration: z.number().default(0),
      replicas: z.number().default(0),
      updatedReplicas: z.number().default(0),
      availableReplicas: z.number().default(0),
    })
    .prefault({}),
});

export const rollingRestart: Churn<z.infer<typeof params>> = {
  name: 'rolling-restart',
  params,
  run: async ({ deployment, timeout }, context) => {
    const { kube, namespace, signal } = context;
    const ref = { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment, namespace };
    const object = `deployment/${deployment}`;
    const found = await kube.get(ref);
    if (found === undefined) {
      throw new CoalmineError('inject', `there is no Deployment ${deployment} in ${namespace}`);
    }
    const selector = Object.entries(deploymentSchema.parse(found).spec.selector.matchLabels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    const before = await listPods(kube, { namespace, selector });
    const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
    const patched = await kube.patch(ref, { spec: { template: { metadata: { annotations } } } });
    const { generation } = deploymentSchema.parse(patched).metadata;
    sayChurn('rolling-restart', { action: 'restart', object }, context);
    const what = `the rollout of ${object} to be complete`;
    await waitFor({ what, timeoutMs: timeout, signal }, async () => {
      const now = await kube.get(ref);
      return now !== undefined && isRolledOut(now, generation) ? true : undefined;
    });
    sayChurn('rolling-restart', { action: 'complete', object }, context);
    const after = await listPods(kube, { namespace, selector });
    const old = after.filter(({ uid, ready }) => ready && before.some((pod) => pod.uid === uid));
    return {
      felt: old.length === 0 && before.length > 0,
      evidence: `${before.length - old.length} of ${before.length} pods were replaced`,
    };
  },
};

/** Returns whether the controller has seen generation `wanted` and only new, available pods are left. */
export function isRolledOut(object: KubeObject, wanted: number): boolean {
  const { spec, status } = deploymentSchema.parse(object);
  return (
    status.observedGeneration >= wanted &&
    status.updatedReplicas === spec.replicas &&
    status.replicas === spec.replicas &&
    status.availableReplicas === spec.replicas
  );
}
