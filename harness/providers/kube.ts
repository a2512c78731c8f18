/**
 * The Kubernetes API as plain objects: what is read is JSON as the server wrote it, every call has a limit, every failure
 * is a CoalmineError. The client is imported when a cluster is there to talk to: it costs a second and 77 MB.
 */
import type {
  ApiException,
  KubernetesListObject,
  KubernetesObject,
  KubernetesObjectApi,
} from '@kubernetes/client-node';
import type { RunClock } from '../core/clock.ts';
import { formatDuration } from '../core/duration.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';
import type { KubeApi, KubeObject, KubeRef } from '../core/kube.ts';
import { watchKind } from './kube-watch.ts';

const CALL_MS = 20_000;
const FIELD_MANAGER = 'coalmine';

/** For whoever waits for a cluster anyway: `connectKube` will have it at once. */
export const loadClient = () => import('@kubernetes/client-node');

/** Reads the kubeconfig; asks nothing of the server yet. */
export async function connectKube(kubeconfig: string, clock: RunClock): Promise<KubeApi> {
  const client = await loadClient();
  const config = new client.KubeConfig();
  config.loadFromFile(kubeconfig);
  const objects = client.KubernetesObjectApi.makeApiClient(config);
  const list: KubeApi['list'] = async (kind) => (await listKind(objects, kind)).items;
  return {
    list,
    get: (ref) =>
      unlessGone(
        call(`get ${nameOf(ref)}`, () => objects.read(forClient(headerOf(ref)))),
        undefined,
      ),
    apply: (object) =>
      call(`apply ${nameOf(refOf(object))}`, () =>
        objects.patch(
          forClient(object),
          ...[undefined, undefined, FIELD_MANAGER, true, client.PatchStrategy.ServerSideApply],
        ),
      ),
    patch: (ref, patch) =>
      call(`patch ${nameOf(ref)}`, () =>
        objects.patch(
          forClient(mergePatch(ref, patch)),
          ...[undefined, undefined, FIELD_MANAGER, undefined, client.PatchStrategy.MergePatch],
        ),
      ),
    delete: async (ref, options = {}) => {
      const gone = call(`delete ${nameOf(ref)}`, () =>
        objects.delete(
          forClient(headerOf(ref)),
          ...[undefined, undefined, options.graceSeconds, undefined, 'Background'],
        ),
      );
      await unlessGone(gone, undefined);
    },
    watch: (kind, onEvent, signal) => {
      const watch = new client.Watch(config);
      return watchKind(
        {
          list: () => listKind(objects, kind),
          open: (path, query, onLine, onEnd) => watch.watch(path, query, onLine, onEnd),
          nowMs: () => clock.nowMs(),
        },
        kind,
        onEvent,
        signal,
      );
    },
  };
}

async function listKind(
  objects: KubernetesObjectApi,
  kind: Parameters<KubeApi['list']>[0],
): Promise<{ items: KubeObject[]; resourceVersion: string }> {
  const { apiVersion, kind: name, namespace, labelSelector } = kind;
  const listed = await call(`list ${name}`, () =>
    objects.list(
      apiVersion,
      name,
      namespace,
      ...([undefined, undefined, undefined, undefined, labelSelector] as const),
    ),
  );
  const { items, metadata } = listed as unknown as KubernetesListObject<KubernetesObject>;
  return {
    // The server leaves the kind out of the items of a list.
    items: (items as unknown as KubeObject[]).map((item) => ({ ...item, apiVersion, kind: name })),
    resourceVersion: metadata?.resourceVersion ?? '',
  };
}

type ClientObject = KubernetesObject & { metadata: { name: string } };

/** The client's types are classes; at run time it takes plain objects, and changes the one that it is given. */
function forClient(object: { metadata: { name: string } }): ClientObject {
  return structuredClone(object);
}

function headerOf({ apiVersion, kind, name, namespace }: KubeRef) {
  return { apiVersion, kind, metadata: namespace === undefined ? { name } : { name, namespace } };
}

/** What a merge patch changes, with the words that the client needs to find the object. */
function mergePatch(ref: KubeRef, patch: Record<string, unknown>) {
  const header = headerOf(ref);
  const metadata = (patch['metadata'] ?? {}) as Record<string, unknown>;
  return { ...patch, ...header, metadata: { ...metadata, ...header.metadata } };
}

function refOf({ apiVersion, kind, metadata }: KubeObject): KubeRef {
  return { apiVersion, kind, ...metadata };
}

function nameOf({ kind, name, namespace }: KubeRef): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/** Runs one call with its limit. The client's typed results (dates, classes) become the JSON that they came from. */
async function call(what: string, ask: () => Promise<unknown>): Promise<KubeObject> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const limit = formatDuration(CALL_MS);
      reject(new CoalmineError('deadline', `the Kubernetes API did not ${what} within ${limit}`));
    }, CALL_MS);
  });
  try {
    return JSON.parse(JSON.stringify(await Promise.race([ask(), limit]))) as KubeObject;
  } catch (error) {
    if (error instanceof CoalmineError) throw error;
    throw new CoalmineError('kube', `${what}: ${reasonOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function unlessGone<T>(asked: Promise<KubeObject>, gone: T): Promise<KubeObject | T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof CoalmineError && statusOf(error.cause) === 404) return gone;
    throw error;
  }
}

/** Returns the HTTP status of a failure of the client; undefined where the server never answered. */
function statusOf(error: unknown): number | undefined {
  const code = (error as Partial<ApiException<unknown>> | undefined)?.code;
  return typeof code === 'number' ? code : undefined;
}

/** The server's own sentence where there is one; the client's message repeats every header. */
function reasonOf(error: unknown): string {
  const body = (error as Partial<ApiException<unknown>>).body;
  const status = typeof body === 'string' ? parse(body) : body;
  const message = (status as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' ? message : messageOf(error);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
