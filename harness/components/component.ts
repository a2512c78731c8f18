/** Words of the component store: what is asked for, and what comes back. */

/** Every file that a run needs and that has a version. Names are upstream's. */
export type ComponentName =
  | 'kubelet'
  | 'kubeadm'
  | 'kubectl'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kube-proxy'
  | 'agnhost'
  | 'etcd'
  | 'coredns'
  | 'kind'
  | 'k6'
  | 'node'
  /** By its series: `6.1`. */
  | 'kernel'
  /** By Debian's version: `1.9.2-1`. */
  | 'irqbalance'
  | 'busybox'
  /** Checkpoint/Restore In Userspace: processes into files, and back. */
  | 'criu';

/** `version` has no leading v: `1.34.3`. */
export interface ComponentRef {
  component: ComponentName;
  version: string;
}

export const SOURCES = ['cache', 'release', 'module', 'debian'] as const;
export type SourceName = (typeof SOURCES)[number];

/** A thing in the cache: a file or a folder, immutable once it is there. */
export interface Artifact {
  readonly name: string;
  readonly version: string;
  /** Absolute path below the cache. */
  readonly path: string;
  /** sha256 of the file, or of the recipe's inputs where the artifact is a folder. */
  readonly digest: string;
}

export interface StoreContext {
  /** Where progress goes, a line at a time, for people. */
  say: (line: string) => void;
  signal: AbortSignal;
}

/** How to make an artifact that is derived from others: a root file system, an image. */
export interface Production {
  name: string;
  version: string;
  /** Everything that decides the content (recipe text, digests of parts); their hash is the key in the cache. */
  inputs: readonly string[];
  /** Free disk that the making needs at its peak; asked before it starts. */
  needBytes: number;
  /** About how long it takes on two cores, for the progress line. */
  aboutSeconds: number;
  /** Makes the artifact at `path` (a file or a folder inside a fresh temporary folder of the store). */
  make(path: string, context: StoreContext): Promise<void>;
}

export interface ComponentStore {
  /** From the cache, or from the first source that can; throws `component` naming what was tried at each source. */
  ensure(ref: ComponentRef, context: StoreContext): Promise<Artifact>;
  /** From the cache, or made now, once across processes. With `--offline` it throws `component` when not cached. */
  produce(production: Production, context: StoreContext): Promise<Artifact>;
}
