/**
 * A Service without a selector whose endpoints are a v1 Endpoints object: kube-proxies of before 1.19 read nothing else.
 * The control plane mirrors it to an EndpointSlice, which is what newer ones read, and the freshness oracle.
 */
import { z } from 'zod';
import { waitFor } from '../../core/deadline.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { KubeRef } from '../../core/kube.ts';
import { borrow, SERVICE_LABEL, type Borrowed } from './borrowed.ts';
import type { ChurnContext } from './churn.ts';

const MIRRORED_MS = 30_000;

const addressSchema = z.looseObject({ ip: z.string() });
export type EndpointAddress = z.infer<typeof addressSchema>;
const subsetSchema = z.looseObject({ addresses: z.array(addressSchema).default([]) });
const endpointsSchema = z.object({ subsets: z.array(subsetSchema).min(1) });
const mirrorSchema = z.object({
  endpoints: z.array(z.object({ addresses: z.array(z.string()) })).nullish(),
});

/** Makes the Service where it is missing, and its Endpoints with every Ready backend; resolves once they are mirrored. */
export async function makeEndpoints(borrowed: Borrowed, context: ChurnContext): Promise<void> {
  const { kube, namespace, signal } = context;
  const { service } = borrowed;
  const { backends, ports, labels } = await borrow(borrowed, context);
  const addresses = backends.map(({ ip = '', node, name, uid }) => ({
    ip,
    nodeName: node,
    targetRef: { kind: 'Pod', name, namespace, uid },
  }));
  const metadata = { name: service, namespace, labels: { ...labels } };
  await kube.apply({ ...refOf(service, namespace), metadata, subsets: [{ addresses, ports }] });
  const what = `the Endpoints of ${service} to be mirrored`;
  await waitFor({ what, timeoutMs: MIRRORED_MS, signal }, async () => {
    const mirrored = await mirroredAddresses(service, context);
    return addresses.every(({ ip }) => mirrored.includes(ip)) ? true : undefined;
  });
}

/** Throws `inject` where there is no such object. */
export async function readAddresses(
  service: string,
  { kube, namespace }: ChurnContext,
): Promise<EndpointAddress[]> {
  return (await subsetOf(service, { kube, namespace })).addresses;
}

/** Replaces the addresses; the ports stay. */
export async function writeAddresses(
  service: string,
  addresses: readonly EndpointAddress[],
  { kube, namespace }: ChurnContext,
): Promise<void> {
  const subset = await subsetOf(service, { kube, namespace });
  await kube.patch(refOf(service, namespace), { subsets: [{ ...subset, addresses }] });
}

async function subsetOf(
  service: string,
  { kube, namespace }: Pick<ChurnContext, 'kube' | 'namespace'>,
): Promise<z.infer<typeof subsetSchema>> {
  const [subset] =
    endpointsSchema.safeParse(await kube.get(refOf(service, namespace))).data?.subsets ?? [];
  if (subset !== undefined) return subset;
  throw new CoalmineError('inject', `${namespace}/${service} has no Endpoints object`);
}

async function mirroredAddresses(
  service: string,
  { kube, namespace }: ChurnContext,
): Promise<string[]> {
  const slices = await kube.list({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    namespace,
    labelSelector: `${SERVICE_LABEL}=${service}`,
  });
  return slices.flatMap((slice) =>
    (mirrorSchema.parse(slice).endpoints ?? []).flatMap(({ addresses }) => addresses),
  );
}

function refOf(service: string, namespace: string): KubeRef {
  return { apiVersion: 'v1', kind: 'Endpoints', name: service, namespace };
}
