/** A churn changes what the API server wants, the way users do: endpoints that come and go, rollouts. No node is harmed. */
import type { z } from 'zod';
import type { RunClock } from '../../core/clock.ts';
import type { EventOf, HistoryEvent } from '../../core/history.ts';
import type { KubeApi } from '../../core/kube.ts';
import type { NodeAgent, NodeInfo } from '../../core/node.ts';

export interface ChurnContext {
  /** Unique in the run: `c1`, `c2`, … */
  readonly id: string;
  readonly runId: string;
  readonly namespace: string;
  readonly kube: KubeApi;
  /** For what only a node can do or show: a connection that is held, what its kernel made of a change. */
  readonly nodes: readonly { readonly node: NodeInfo; readonly agent: NodeAgent }[];
  readonly clock: RunClock;
  readonly signal: AbortSignal;
  readonly emit: (event: HistoryEvent) => void;
}

export interface Churn<P> {
  readonly name: string;
  readonly params: z.ZodType<P>;
  /** Makes what it will change, before the first phase, so that whoever watches knows it beforehand. Idempotent. */
  prepare?(params: P, context: ChurnContext): Promise<void>;
  /**
   * Does it, and puts everything back before it returns or throws. The answer says whether the API server really took
   * the changes. Throws the signal's reason when aborted.
   */
  run(params: P, context: ChurnContext): Promise<{ felt: boolean; evidence: string }>;
}

/** Where a `felt` event needs a node: a churn is of the whole cluster. */
const CLUSTER = 'cluster';

/** Runs a churn and says in the history whether it was felt; a churn that failed was not. */
export async function runChurn<P>(
  churn: Churn<P>,
  params: P,
  context: ChurnContext,
): Promise<void> {
  const say = (felt: boolean, evidence: string): void => {
    const { id, clock } = context;
    const disruption = churn.name;
    const tMs = clock.nowMs();
    context.emit({ tMs, kind: 'felt', id, disruption, node: CLUSTER, felt, evidence });
  };
  try {
    const { felt, evidence } = await churn.run(params, context);
    say(felt, evidence);
  } catch (error) {
    if (!context.signal.aborted) say(false, `${churn.name} failed before its end`);
    throw error;
  }
}

/** Says one change; the time is that of the API server's answer, as near as the controller can know it. */
export function sayChurn(
  churn: string,
  change: Pick<EventOf<'churn'>, 'action' | 'object'>,
  { id, clock, emit }: ChurnContext,
): void {
  emit({ tMs: clock.nowMs(), kind: 'churn', id, churn, ...change });
}
