/** The address of a Service under test. */
import { z } from 'zod';
import { CoalmineError } from '../core/errors.ts';
import type { KubeApi } from '../core/kube.ts';

const serviceSchema = z.object({ spec: z.object({ clusterIP: z.string().default('') }) });

/** Throws `inject` where the Service is not there or has no IPv4 address of its own. */
export async function clusterAddress(
  kube: KubeApi,
  { name, namespace }: { name: string; namespace: string },
): Promise<string> {
  const object = await kube.get({ apiVersion: 'v1', kind: 'Service', name, namespace });
  const address = serviceSchema.safeParse(object).data?.spec.clusterIP ?? '';
  if (/^\d+(\.\d+){3}$/.test(address)) return address;
  throw new CoalmineError('inject', `the Service ${namespace}/${name} has no IPv4 cluster IP`);
}
