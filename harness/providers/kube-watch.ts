/**
 * A watch that survives what a test harness does to an API server: it resumes where it was after a closed or silent
 * connection, lists anew where the server has forgotten that point, and then says what vanished in between.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { KubeObject, KubeWatchEvent } from '../core/kube.ts';

/** The server ends each connection after this; one that says nothing at all for longer is dead and is dropped. */
const CONNECTION_S = 60;
const SILENCE_MS = (CONNECTION_S + 15) * 1_000;
const RETRY_MS = 200;
const GONE = 410;

export interface WatchDoor {
  list(): Promise<{ items: KubeObject[]; resourceVersion: string }>;
  /** Opens one connection; `onEnd` is called once, with the error if there was one. */
  open(
    path: string,
    query: Record<string, string | number | boolean>,
    onLine: (type: string, object: unknown) => void,
    onEnd: (error: unknown) => void,
  ): Promise<AbortController>;
  nowMs(): number;
}

export interface WatchedKind {
  apiVersion: string;
  kind: string;
}

type Deliver = (event: KubeWatchEvent) => void;

/** Resolves once the first list was delivered, or rejects where that failed; later failures are retried for ever. */
export async function watchKind(
  door: WatchDoor,
  kind: WatchedKind,
  deliver: Deliver,
  signal: AbortSignal,
): Promise<void> {
  const known = new Map<string, KubeObject>();
  const version = await relist(door, known, deliver);
  void follow(door, kind, { known, version, deliver, signal });
}

interface Following {
  known: Map<string, KubeObject>;
  version: string;
  deliver: Deliver;
  signal: AbortSignal;
}

async function follow(door: WatchDoor, kind: WatchedKind, following: Following): Promise<void> {
  const { known, deliver, signal } = following;
  let version = following.version;
  while (!signal.aborted) {
    try {
      if (version === '') version = await relist(door, known, deliver);
      version = await connection(door, kind, { known, version, deliver, signal });
    } catch (error) {
      if (statusOf(error) === GONE) version = '';
      else await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Delivers what differs from what is known; the first time that is everything. Returns the version of the list. */
async function relist(
  door: WatchDoor,
  known: Map<string, KubeObject>,
  deliver: Deliver,
): Promise<string> {
  const { items, resourceVersion } = await door.list();
  const tMs = door.nowMs();
  const now = new Map(items.map((object) => [keyOf(object), object]));
  for (const [key, object] of known) {
    const again = now.get(key);
    // The same name with another uid is another object: the old one was deleted in between.
    if (again?.metadata.uid === object.metadata.uid) continue;
    known.delete(key);
    deliver({ type: 'DELETED', object, tMs });
  }
  for (const [key, object] of now) {
    const before = known.get(key);
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion && before) continue;
    known.set(key, object);
    deliver({ type: before === undefined ? 'ADDED' : 'MODIFIED', object, tMs });
  }
  return resourceVersion;
}

/** Follows one connection to its end; returns the version to go on from, empty where the server has forgotten it. */
async function connection(
  door: WatchDoor,
  kind: WatchedKind,
  { known, version, deliver, signal }: Following,
): Promise<string> {
  let at = version;
  let onEnd: (error: unknown) => void = () => undefined;
  const ended = new Promise<unknown>((resolve) => (onEnd = resolve));
  const take = (type: string, raw: unknown): void => {
    silence.refresh();
    if (signal.aborted) return;
    if (type === 'ERROR') {
      at = '';
      onEnd(undefined);
      return;
    }
    const parsed = objectSchema.safeParse(raw);
    if (!parsed.success) return;
    const object = raw as KubeObject;
    at = parsed.data.metadata.resourceVersion;
    if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED')
      remember(known, { type, object, tMs: door.nowMs() }, deliver);
  };
  const silence = setTimeout(() => {
    onEnd(undefined);
  }, SILENCE_MS);
  const query = {
    resourceVersion: version,
    allowWatchBookmarks: true,
    timeoutSeconds: CONNECTION_S,
  };
  const stop = (): void => {
    onEnd(undefined);
  };
  signal.addEventListener('abort', stop, { once: true });
  // Not awaited: a frozen server accepts the connection and never answers.
  const opening = door.open(watchPath(kind), query, take, onEnd);
  opening.catch(onEnd);
  try {
    const error = await ended;
    if (error !== undefined && error !== null) throw asError(error);
    return at;
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', stop);
    void opening.then(
      (opened) => {
        opened.abort();
      },
      () => undefined,
    );
  }
}

const objectSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
});

function remember(known: Map<string, KubeObject>, event: KubeWatchEvent, deliver: Deliver): void {
  const key = keyOf(event.object);
  if (event.type === 'DELETED') known.delete(key);
  else known.set(key, event.object);
  deliver(event);
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Path of a kind in all namespaces. The plural is guessed as upstream does (`meta.UnsafeGuessKindToResource`). */
export function watchPath({ apiVersion, kind }: WatchedKind): string {
  const prefix = apiVersion.includes('/') ? '/apis' : '/api';
  return `${prefix}/${apiVersion}/${pluralOf(kind.toLowerCase())}`;
}

function pluralOf(kind: string): string {
  if (kind === 'endpoints') return kind;
  if (kind.endsWith('s')) return `${kind}es`;
  if (kind.endsWith('y')) return `${kind.slice(0, -1)}ies`;
  return `${kind}s`;
}
