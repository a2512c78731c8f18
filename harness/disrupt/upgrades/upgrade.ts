/** An upgrade changes the version of one component on one node, forward or back: a roll-back is an upgrade to the old one. */
import type { RunClock } from '../../core/clock.ts';
import type { HistoryEvent } from '../../core/history.ts';
import type { KubeApi } from '../../core/kube.ts';
import type { NodeAgent } from '../../core/node.ts';

export interface UpgradeContext {
  /** Unique in the run: `u1`, `u2`, … */
  readonly id: string;
  readonly kube: KubeApi;
  readonly clock: RunClock;
  readonly signal: AbortSignal;
  /** Name of the component's image of a version; it is on every node already. */
  readonly image: (version: string) => string;
  /** How long the new version may take to say its name once its pod is Ready. */
  readonly answerTimeoutMs?: number;
  readonly emit: (event: HistoryEvent) => void;
}

export interface VersionChange {
  /** Name of the node. */
  node: string;
  agent: NodeAgent;
  from: string;
  to: string;
}

export interface Upgrade {
  readonly component: string;
  /** Done once the component itself says its new version. Throws `inject` or `deadline` where it does not. */
  run(change: VersionChange, context: UpgradeContext): Promise<void>;
}
