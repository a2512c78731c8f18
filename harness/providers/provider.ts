/** A provider makes clusters out of versions, and takes them away again. */
import type { AgentStream } from '../agent/wire.ts';
import type { Executor } from '../core/command.ts';
import type { RunClock } from '../core/clock.ts';
import type { KubeApi, KubeObject } from '../core/kube.ts';
import type { NodeInfo } from '../core/node.ts';
import type { Plan } from '../core/plan.ts';

export interface ProvisionContext {
  readonly plan: Plan;
  readonly clock: RunClock;
  /**
   * What the run applies before anything else, with its load image: who keeps clusters for later runs keeps them with it, so
   * that its pods need not start then.
   */
  readonly workload?: (loadImage: string) => readonly KubeObject[];
  /** Absolute folder that the provider may fill; goes with the run directory. */
  readonly logsDir: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** An agent's stream, and how it is ended from this side. */
export type AgentProcess = AgentStream & { kill(signal: NodeJS.Signals): void };

/** A node of a cluster: commands run on it, files go to it, an agent can be reached on it. */
export interface ClusterNode extends NodeInfo, Executor {
  /** Starts the node agent (its program and Node.js binary are on the node already); the stream is its stdin and stdout. */
  startAgent(): Promise<AgentProcess>;
}

export interface Cluster {
  readonly nodes: readonly ClusterNode[];
  readonly kube: KubeApi;
  /**
   * Resolves once every node is Ready and CoreDNS serves, throws `provision` where that does not come; absent where it was
   * so from the beginning. Agents can be met meanwhile.
   */
  readonly ready?: Promise<void>;
  /** Path of a kubeconfig with mode 0600, for people. */
  readonly kubeconfig: string;
  /** Image for load pods and backends, present on each node. */
  readonly loadImage: string;
  /** Image name of kube-proxy of a version; present on each node for every version that the plan names. */
  kubeProxyImage(version: string): string;
  /** Aborts, with the reason, when something that the cluster stands on ends by itself: a machine, the control plane. */
  readonly broken?: AbortSignal;
  /**
   * kubelet, containerd, kube-proxy … of each node, under logsDir; never throws. Last of all: nothing of this process follows
   * the cluster any more, so that it can end while the cluster stays.
   */
  collectLogs(): Promise<void>;
  /** Idempotent; resolves when nothing of the cluster is left. */
  destroy(): Promise<void>;
}

/** What a provider cannot serve, one sentence each, before anything is touched; empty = can serve. */
type Refusal = string;

export interface Provider {
  readonly name: Plan['provider'];
  /** From the plan alone: what can never work here (an irqbalance axis on kind). Pure. */
  refuses(plan: Plan): Refusal[];
  /** Read-only questions to this machine. Throws `preflight` with the way out. */
  preflight(plan: Plan): Promise<void>;
  provision(context: ProvisionContext): Promise<Cluster>;
}
