/**
 * A Service without a selector and the one EndpointSlice that is all its endpoints: the only endpoints that nobody but us
 * changes. Their backends are real, the Ready pods of another workload.
 */
import { z } from 'zod';
import { CoalmineError } from '../../core/errors.ts';
import type { KubeObject, KubeRef } from '../../core/kube.ts';
import { RUN_LABEL } from '../../core/names.ts';
import { listPods } from '../pods.ts';
import type { ChurnContext } from './churn.ts';

const SERVICE_LABEL = 'kubernetes.io/service-name';

const endpointSchema = z.looseObject({ addresses: z.array(z.string()).min(1) });
export type SliceEndpoint = z.infer<typeof endpointSchema>;

const portSchema = z.object({
  name: z.string().optional(),
  port: z.number(),
  protocol: z.string().default('TCP'),
  targetPort: z.union([z.string(), z.number()]).optional(),
});
const serviceSchema = z.object({ spec: z.object({ ports: z.array(portSchema).min(1) }) });
const slicePortsSchema = z.object({
  ports: z.array(z.object({ name: z.string().default(''), port: z.number() })).nullish(),
});

/** `like` is the Service whose pods and ports are borrowed. */
export interface Borrowed {
  service: string;
  like: string;
}

/** Makes the Service where it is missing, and its slice with every Ready backend. Two at least, or a change could leave none. */
export async function makeSlice(
  { service, like }: Borrowed,
  context: ChurnContext,
): Promise<KubeObject> {
  const { kube, namespace, runId } = context;
  const backends = (await listPods(kube, { namespace, selector: `app=${like}` })).filter(
    ({ ready, ip }) => ready && ip !== undefined,
  );
  if (backends.length < 2) {
    const found = `${backends.length} Ready pods match app=${like} in ${namespace}`;
    throw new CoalmineError('inject', `${found}; churn of ${service} needs two at least`);
  }
  const labels = { [RUN_LABEL]: runId };
  const own = await getService(service, context);
  const ports = own ?? (await getService(like, context));
  if (ports === undefined) {
    throw new CoalmineError('inject', `there is no Service ${like} in ${namespace}`);
  }
  if (own === undefined) {
    const metadata = { name: service, namespace, labels };
    await kube.apply({ apiVersion: 'v1', kind: 'Service', metadata, spec: { ports } });
  }
  const numbers = await resolvedPorts(like, context);
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
    ports: ports.map((port) => ({
      name: port.name ?? '',
      protocol: port.protocol,
      port: targetNumber(port, numbers),
    })),
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

async function getService(
  name: string,
  { kube, namespace }: ChurnContext,
): Promise<z.infer<typeof portSchema>[] | undefined> {
  const object = await kube.get({ apiVersion: 'v1', kind: 'Service', name, namespace });
  return object === undefined ? undefined : serviceSchema.parse(object).spec.ports;
}

/** The numbers behind port names, as the endpoint controller resolved them for the borrowed Service. */
async function resolvedPorts(
  service: string,
  { kube, namespace }: ChurnContext,
): Promise<Map<string, number>> {
  const slices = await kube.list({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    namespace,
    labelSelector: `${SERVICE_LABEL}=${service}`,
  });
  const ports = slices.flatMap((slice) => slicePortsSchema.parse(slice).ports ?? []);
  return new Map(ports.map(({ name, port }) => [name, port]));
}

function targetNumber(
  { name, port, targetPort }: z.infer<typeof portSchema>,
  numbers: ReadonlyMap<string, number>,
): number {
  if (typeof targetPort === 'number') return targetPort;
  return numbers.get(name ?? '') ?? port;
}
