/** One thing that a run made on this machine or on a Docker engine, and how it is taken away. */

/** In the order of removal: what holds others goes first, the memory of the run last. */
export const LEFTOVER_KINDS = [
  'process',
  'container',
  'network',
  'volume',
  'cgroup',
  'slot',
  'sysctl',
  'folder',
  'state',
] as const;

export interface LeftoverName {
  readonly kind: (typeof LEFTOVER_KINDS)[number];
  readonly name: string;
  /** Absent where the thing itself cannot say whose it was. */
  readonly runId?: string;
}

export interface Leftover extends LeftoverName {
  /** Its run's controller still lives: not a leftover yet. */
  readonly alive: boolean;
  /** Idempotent; a thing that is gone already is no error. */
  remove(): Promise<void>;
}

export function describeLeftover({ kind, name, runId }: LeftoverName): string {
  return `${kind} ${name}${runId === undefined ? '' : ` (run ${runId})`}`;
}
