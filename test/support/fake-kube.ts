/** A small API server in memory: objects by kind, namespace and name, JSON merge patch, versions that grow. */
import type { KubeApi, KubeObject, KubeRef } from '../../harness/core/kube.ts';

export class FakeKube implements KubeApi {
  readonly objects = new Map<string, KubeObject>();
  readonly requests: string[] = [];
  /** Called after each change, as controllers would be. */
  onChange: (verb: 'apply' | 'patch' | 'delete', object: KubeObject) => void = () => undefined;
  #version = 0;

  put(object: KubeObject): KubeObject {
    this.#version += 1;
    const old = this.objects.get(key(refOf(object)));
    const stored: KubeObject = {
      ...structuredClone(object),
      metadata: {
        uid: old?.metadata.uid ?? `uid-${this.#version}`,
        ...object.metadata,
        resourceVersion: String(this.#version),
      },
    };
    this.objects.set(key(refOf(object)), stored);
    return structuredClone(stored);
  }

  get(ref: KubeRef): Promise<KubeObject | undefined> {
    return Promise.resolve(structuredClone(this.objects.get(key(ref))));
  }

  list(kind: {
    apiVersion: string;
    kind: string;
    namespace?: string;
    labelSelector?: string;
  }): Promise<KubeObject[]> {
    const labels = (kind.labelSelector ?? '').split(',').filter((one) => one !== '');
    const found = [...this.objects.values()].filter(
      (object) =>
        object.kind === kind.kind &&
        (kind.namespace === undefined || object.metadata.namespace === kind.namespace) &&
        labels.every((label) => {
          const [name = '', value] = label.split('=');
          return object.metadata.labels?.[name] === value;
        }),
    );
    return Promise.resolve(structuredClone(found));
  }

  apply(object: KubeObject): Promise<KubeObject> {
    this.requests.push(`apply ${object.kind}/${object.metadata.name}`);
    const stored = this.put(object);
    this.onChange('apply', stored);
    return Promise.resolve(stored);
  }

  patch(ref: KubeRef, patch: Record<string, unknown>): Promise<KubeObject> {
    this.requests.push(`patch ${ref.kind}/${ref.name}`);
    const old = this.objects.get(key(ref));
    if (old === undefined) return Promise.reject(new Error(`${ref.kind} ${ref.name} not found`));
    const merged = merge(old, patch) as KubeObject;
    if (JSON.stringify(merged) === JSON.stringify(old))
      return Promise.resolve(structuredClone(old));
    const stored = this.put(merged);
    this.onChange('patch', stored);
    return Promise.resolve(stored);
  }

  delete(ref: KubeRef): Promise<void> {
    this.requests.push(`delete ${ref.kind}/${ref.name}`);
    const old = this.objects.get(key(ref));
    this.objects.delete(key(ref));
    if (old !== undefined) this.onChange('delete', old);
    return Promise.resolve();
  }

  watch(): Promise<void> {
    throw new Error('not part of this fake');
  }
}

/** A pod as the API server shows it. */
export function pod(
  name: string,
  namespace: string,
  node: string,
  more: { labels?: Record<string, string>; ip?: string; image?: string; ready?: boolean } = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: more.labels ?? {} },
    spec: { nodeName: node, containers: [{ name: 'main', image: more.image ?? 'image' }] },
    status: {
      podIP: more.ip ?? '10.1.0.1',
      conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }],
    },
  };
}

function refOf(object: KubeObject): KubeRef {
  return { ...object, ...object.metadata };
}

function key({ kind, namespace, name }: KubeRef): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}

/** RFC 7396. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {};
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(merged, name);
    else merged[name] = merge(merged[name], value);
  }
  return merged;
}
