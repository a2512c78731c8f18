/** What the API server has said so far, kept so that each new word costs the work of one Service only. */
import type { KubeWatchEvent } from '../../core/kube.ts';
import { dialectOf, type Dialect } from './dialect.ts';
import {
  objectKey,
  readNode,
  readService,
  readSlice,
  serviceOfSlice,
  type NodeFields,
  type ServiceFields,
  type SliceFields,
} from './objects.ts';
import type { Family } from './rules.ts';
import { familiesOf, wantedFronts, type WantedFronts } from './wanted.ts';

export interface WantedIndex {
  /** Takes a Service, an EndpointSlice or a Node; returns the Services (`ns/name`) whose rules may change by it. */
  apply(event: Pick<KubeWatchEvent, 'type' | 'object'>): readonly string[];
  services(): readonly string[];
  /** Families in which kube-proxy serves the Service. */
  families(service: string): readonly Family[];
  /** What the API says of the addresses of a node. */
  node(name: string): NodeFields | undefined;
  /** Empty where the Service is gone or none of kube-proxy's business. */
  fronts(service: string, family: Family, node: string): WantedFronts;
}

export function createWantedIndex(dialect: Dialect = dialectOf('iptables')): WantedIndex {
  const services = new Map<string, ServiceFields>();
  /** By Service, then by slice. */
  const slices = new Map<string, Map<string, SliceFields>>();
  const serviceBySlice = new Map<string, string>();
  const nodes = new Map<string, NodeFields>();

  function applySlice({ type, object }: Pick<KubeWatchEvent, 'type' | 'object'>): string[] {
    const key = objectKey(object);
    const before = serviceBySlice.get(key);
    const service = type === 'DELETED' ? undefined : serviceOfSlice(object);
    const fields = service === undefined ? undefined : readSlice(object);
    if (before !== undefined) {
      slices.get(before)?.delete(key);
      if (slices.get(before)?.size === 0) slices.delete(before);
      serviceBySlice.delete(key);
    }
    if (service !== undefined && fields !== undefined) {
      const own = slices.get(service) ?? new Map<string, SliceFields>();
      slices.set(service, own.set(key, fields));
      serviceBySlice.set(key, service);
    }
    return [...new Set([before, service])].filter((one) => one !== undefined);
  }

  function applyService({ type, object }: Pick<KubeWatchEvent, 'type' | 'object'>): string[] {
    const key = objectKey(object);
    const fields = type === 'DELETED' ? undefined : readService(object);
    if (fields === undefined) services.delete(key);
    else services.set(key, fields);
    return [key];
  }

  /** The zone of a node decides rules through hints. */
  function applyNode({ type, object }: Pick<KubeWatchEvent, 'type' | 'object'>): string[] {
    const { name } = object.metadata;
    const before = nodes.get(name)?.zone ?? '';
    if (type === 'DELETED') nodes.delete(name);
    else nodes.set(name, readNode(object));
    return before === (nodes.get(name)?.zone ?? '') ? [] : [...services.keys()];
  }

  return {
    apply: (event) => {
      switch (event.object.kind) {
        case 'Service':
          return applyService(event);
        case 'EndpointSlice':
          return applySlice(event);
        case 'Node':
          return applyNode(event);
        default:
          return [];
      }
    },
    services: () => [...services.keys()],
    node: (name) => nodes.get(name),
    families: (service) => {
      const fields = services.get(service);
      return fields === undefined ? [] : familiesOf(fields);
    },
    fronts: (service, family, node) => {
      const fields = services.get(service);
      if (fields === undefined) return new Map();
      const zone = nodes.get(node)?.zone ?? '';
      const own = [...(slices.get(service)?.values() ?? [])];
      return wantedFronts(fields, own, family, { name: node, zone }, dialect);
    },
  };
}
