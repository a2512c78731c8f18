/** The few verbs of the Kubernetes API that rooms need, on plain objects. providers/kube.ts implements it. */
export interface KubeRef {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp?: string;
    deletionTimestamp?: string;
  };
  [field: string]: unknown;
}

export interface KubeWatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: KubeObject;
  /** Run clock at which the event reached the controller. */
  tMs: number;
}

export interface KubeApi {
  /** Returns undefined where the object does not exist. */
  get(ref: KubeRef): Promise<KubeObject | undefined>;
  list(kind: {
    apiVersion: string;
    kind: string;
    namespace?: string;
    labelSelector?: string;
  }): Promise<KubeObject[]>;
  /** Creates it, or updates it by server-side apply (field manager `coalmine`). */
  apply(object: KubeObject): Promise<KubeObject>;
  /** JSON merge patch. */
  patch(ref: KubeRef, patch: Record<string, unknown>): Promise<KubeObject>;
  /** Deleting what is gone is no error. */
  delete(ref: KubeRef, options?: { graceSeconds?: number }): Promise<void>;
  /**
   * Lists, delivers each object as ADDED, then watches; reconnects by itself until `signal` aborts. After a reconnect,
   * objects that vanished in between are delivered as DELETED. Resolves once the first list was delivered.
   */
  watch(
    kind: { apiVersion: string; kind: string },
    onEvent: (event: KubeWatchEvent) => void,
    signal: AbortSignal,
  ): Promise<void>;
}
