/** What the steps of one run share; each step takes only the fields that it needs. */
import type { RunClock } from '../core/clock.ts';
import type { HistoryEvent } from '../core/history.ts';
import type { NodeAgent, RestartBy } from '../core/node.ts';
import type { Plan } from '../core/plan.ts';
import type { Standstill } from '../disrupt/faults/fault.ts';
import type { Cluster, ClusterNode } from '../providers/provider.ts';

/** A node together with the hand that we have on it. */
export interface ManagedNode {
  readonly node: ClusterNode;
  readonly agent: NodeAgent;
  /** For faults that the agent does not outlive. */
  readonly restartBy?: RestartBy;
  /** Where its kernel was asked to keep track of it. */
  readonly standstill?: Standstill;
}

/** Distributes over the union, so that each kind keeps its own fields. */
type WithoutTime<E> = E extends HistoryEvent ? Omit<E, 'tMs'> : never;

/** Records an event now; `at` records one whose time is known better. */
export interface Emit {
  readonly now: (event: WithoutTime<HistoryEvent>) => void;
  readonly at: (event: HistoryEvent) => void;
}

export interface Stage {
  readonly plan: Plan;
  readonly clock: RunClock;
  readonly emit: Emit;
  readonly cluster: Cluster;
  readonly nodes: readonly ManagedNode[];
  /** Aborts when the user interrupts. Undo never listens to it. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}
