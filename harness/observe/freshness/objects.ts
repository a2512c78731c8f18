/** Reads the few fields of Services, EndpointSlices and Nodes that decide rules, from plain objects of the API. */
import { z } from 'zod';
import type { KubeObject } from '../../core/kube.ts';

const PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name';
const HEADLESS_LABEL = 'service.kubernetes.io/headless';
const SERVICE_LABEL = 'kubernetes.io/service-name';
const ZONE_LABEL = 'topology.kubernetes.io/zone';

const protocol = z.enum(['TCP', 'UDP', 'SCTP']).default('TCP');
const strings = z.array(z.string()).nullish();

const serviceSchema = z.object({
  spec: z.object({
    type: z.string().optional(),
    clusterIP: z.string().optional(),
    clusterIPs: strings,
    ipFamilies: strings,
    externalIPs: strings,
    internalTrafficPolicy: z.string().optional(),
    externalTrafficPolicy: z.string().optional(),
    ports: z
      .array(
        z.object({
          name: z.string().default(''),
          protocol,
          port: z.number(),
          nodePort: z.number().default(0),
        }),
      )
      .nullish(),
  }),
  status: z
    .object({
      loadBalancer: z
        .object({
          ingress: z
            .array(z.object({ ip: z.string().default(''), ipMode: z.string().default('VIP') }))
            .nullish(),
        })
        .optional(),
    })
    .optional(),
});

const hints = z.array(z.object({ name: z.string() })).nullish();
const sliceSchema = z.object({
  addressType: z.string(),
  ports: z
    .array(z.object({ name: z.string().nullish(), protocol, port: z.number().nullish() }))
    .nullish(),
  endpoints: z
    .array(
      z.object({
        addresses: strings,
        nodeName: z.string().nullish(),
        conditions: z
          .object({
            ready: z.boolean().nullish(),
            serving: z.boolean().nullish(),
            terminating: z.boolean().nullish(),
          })
          .nullish(),
        hints: z.object({ forZones: hints, forNodes: hints }).nullish(),
      }),
    )
    .nullish(),
});

const nodeSchema = z.object({
  spec: z.object({ podCIDRs: strings }).prefault({}),
  status: z
    .object({ addresses: z.array(z.object({ type: z.string(), address: z.string() })).nullish() })
    .prefault({}),
});

export type ServiceFields = z.infer<typeof serviceSchema>;
export type SliceFields = z.infer<typeof sliceSchema>;

/** `ns/name`. */
export function objectKey(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/** Returns undefined for an object that kube-proxy does not watch or that is no Service. */
export function readService(object: KubeObject): ServiceFields | undefined {
  if (isFilteredOut(object)) return undefined;
  return serviceSchema.safeParse(object).data;
}

/** Returns undefined for an object that kube-proxy does not watch or that is no EndpointSlice. */
export function readSlice(object: KubeObject): SliceFields | undefined {
  if (isFilteredOut(object)) return undefined;
  return sliceSchema.safeParse(object).data;
}

/** Returns `ns/name` of the Service that a slice belongs to. Who manages the slice makes no difference to kube-proxy. */
export function serviceOfSlice(slice: KubeObject): string | undefined {
  const name = slice.metadata.labels?.[SERVICE_LABEL];
  if (name === undefined || name === '') return undefined;
  return `${slice.metadata.namespace ?? ''}/${name}`;
}

export interface NodeFields {
  /** Empty where there is none. */
  readonly zone: string;
  /** By which the cluster knows the node. */
  readonly addresses: readonly string[];
  /** From which its pods have their addresses. */
  readonly podRanges: readonly string[];
}

export function readNode(node: KubeObject): NodeFields {
  const fields = nodeSchema.safeParse(node).data;
  return {
    zone: node.metadata.labels?.[ZONE_LABEL] ?? '',
    addresses: (fields?.status.addresses ?? [])
      .filter(({ type }) => type === 'InternalIP')
      .map(({ address }) => address),
    podRanges: fields?.spec.podCIDRs ?? [],
  };
}

/** kube-proxy's informers leave these out by label: other proxies' Services, and headless ones. */
function isFilteredOut(object: KubeObject): boolean {
  const labels = object.metadata.labels ?? {};
  return PROXY_NAME_LABEL in labels || HEADLESS_LABEL in labels;
}
