/**
 * A Service without a selector and the one EndpointSlice that is all its endpoints: the only endpoints that nobody but us
 * changes. Their backends are real, the Ready pods of another workload.
 */
import { z } from 'zod';
import { CoalmineError } from '../../core/errors.ts';
import type { KubeObject, KubeRef } from '../../core/kube.ts';
import { borrow, SERVICE_LABEL, type Borrowed } from './borrowed.ts';
import type { ChurnContext } from './churn.ts';

const endpointSchema = z.looseObject({ addresses: z.array(z.string()).min(1) });
export type SliceEndpoint = z.infer<typeof endpointSchema>;

/** Makes the Service where it is missing, and its slice with every Ready backend. Two at least, or a change could leave none. */
export async function makeSlice(
  { service, like }: Borrowed,
  context: ChurnContext,
): Promise<KubeObject> {
  const { kube, namespace } = context;
  const { backends, ports, labels } = await borrow({ service, like }, context);
  return kube.apply({
    ...sliceRef(service, namespace),
    metadata: {
      name: sliceName(service),
      namespace,
      labels: {
        ...labels,
        [SERVICE_LABEL]: service,
        'endpointslice.kubernetes.io/managed-by': 'coalmine',
      },
    },
    addressType: 'IPv4',
    ports,
    endpoints: backends.map(({ ip, node, name, uid }) => ({
      addresses: [ip],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: node,
      targetRef: { kind: 'Pod', name, namespace, uid },
    })),
  });
}

/** Returns the endpoints that the slice has now. */
export async function readEndpoints(
  service: string,
  { kube, namespace }: ChurnContext,
): Promise<SliceEndpoint[]> {
  const slice = await kube.get(sliceRef(service, namespace));
  if (slice === undefined) {
    const name = sliceName(service);
    throw new CoalmineError('inject', `there is no EndpointSlice ${name} in ${namespace}`);
  }
  return z.array(endpointSchema).parse(slice['endpoints'] ?? []);
}

/** Replaces the endpoints of the slice. Returns the version that the API server gave it. */
export async function writeEndpoints(
  service: string,
  endpoints: readonly SliceEndpoint[],
  { kube, namespace }: ChurnContext,
): Promise<string> {
  const answer = await kube.patch(sliceRef(service, namespace), { endpoints: [...endpoints] });
  return answer.metadata.resourceVersion ?? '';
}

export function endpointName(service: string, endpoint: SliceEndpoint): string {
  return `${service}/${endpoint.addresses.join(',')}`;
}

function sliceName(service: string): string {
  return `${service}-coalmine`;
}

function sliceRef(service: string, namespace: string): KubeRef {
  const name = sliceName(service);
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', name, namespace };
}
