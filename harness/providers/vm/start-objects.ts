/** Objects of somebody else's, in the cluster until it is saved: applied, and waited for where pods stand for them. */
import { z } from 'zod';
import { waitFor } from '../../core/deadline.ts';
import type { KubeApi, KubeObject } from '../../core/kube.ts';

const AVAILABLE_MS = 180_000;

const deploymentSchema = z.object({
  spec: z.object({ replicas: z.number() }),
  status: z.object({ availableReplicas: z.number().default(0) }),
});

export async function startObjects(
  kube: KubeApi,
  objects: readonly KubeObject[],
  signal: AbortSignal,
): Promise<void> {
  for (const object of objects) await kube.apply(object);
  const deployments = objects.filter(({ kind }) => kind === 'Deployment');
  for (const { apiVersion, kind, metadata } of deployments) {
    const wait = {
      what: `the pods of ${metadata.name} to be Ready`,
      timeoutMs: AVAILABLE_MS,
      signal,
    };
    await waitFor(wait, async () => {
      const found = await kube.get({ apiVersion, kind, ...metadata });
      const { spec, status } = deploymentSchema.parse(found);
      return status.availableReplicas === spec.replicas ? true : undefined;
    });
  }
}
