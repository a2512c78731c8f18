/** A Service without a selector that borrows its backends, the Ready pods of another workload, and its ports. */
import { z } from 'zod';
import { CoalmineError } from '../../core/errors.ts';
import { RUN_LABEL } from '../../core/names.ts';
import { listPods, type Pod } from '../pods.ts';
import type { ChurnContext } from './churn.ts';

export const SERVICE_LABEL = 'kubernetes.io/service-name';

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

export interface Loan {
  readonly backends: readonly Pod[];
  /** With the numbers that the backends listen on. */
  readonly ports: readonly { name: string; protocol: string; port: number }[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Makes the Service where it is missing. Two backends at least, or a change could leave none. */
export async function borrow({ service, like }: Borrowed, context: ChurnContext): Promise<Loan> {
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
  return {
    backends,
    ports: ports.map((port) => ({
      name: port.name ?? '',
      protocol: port.protocol,
      port: targetNumber(port, numbers),
    })),
    labels,
  };
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
