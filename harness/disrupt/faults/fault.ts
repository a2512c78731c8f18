/** A fault is a harm to one node. The author of a fault writes only the middle; disrupt/active.ts does the rest. */
import type { z } from 'zod';
import type { Command, Executor } from '../../core/command.ts';
import type { EventOf } from '../../core/history.ts';
import type { KubeApi } from '../../core/kube.ts';
import type { NodeAgent, NodeInfo, RestartBy } from '../../core/node.ts';
import type { NodeSelector } from '../../core/plan.ts';
import type { UndoRecord } from '../../core/undo.ts';

/** What every fault takes. The run resolves `node` to nodes, and prepares the fault once for each. */
export interface FaultParams {
  node: NodeSelector;
  /** How long it stays in force, in milliseconds; without it, until the phase ends. */
  for?: number | undefined;
}

/** What a node's kernel knows of how long its machine stood still; it looks back a few seconds. */
export interface Standstill {
  /** What was before is no matter. */
  forget(): Promise<void>;
  /** The longest time in which no CPU did anything, since then: never too short. Undefined where it cannot tell. */
  longestMs(): Promise<number | undefined>;
}

export interface FaultTarget {
  readonly node: NodeInfo;
  readonly agent: NodeAgent;
  /** Absent where an agent that is lost stays lost. */
  readonly restartBy?: RestartBy;
  /** Absent where its kernel does not keep track of it. */
  readonly standstill?: Standstill;
  /** Where commands of the controller run; a frozen node answers nothing, so its proof comes from here. */
  readonly controller: Executor;
  readonly kube: KubeApi;
  /** Unique word of this fault in this run, for tagging what it adds: `coalmine-<runId>-<id>`. */
  readonly tag: string;
}

export interface Felt {
  felt: boolean;
  /** What was read, in one sentence, whichever way it went. */
  evidence: string;
}

/** The part of an undo record that the fault knows; see `UndoRecord` for what each field means. */
export interface PreparedUndo {
  undo: readonly Command[];
  restore: UndoRecord['restore'];
  verify: { command: Command; exitCode: number; stdout?: string };
  timeoutMs: number;
}

export interface PreparedFault {
  /** Where inject, undo and verify run: the controller, or the node of the target. */
  where: 'controller' | 'node';
  /** Commands in order, each of which must exit 0; or a request to the API server, which no command can make. */
  inject: readonly Command[] | (() => Promise<void>);
  /** Always data, because another process may have to do it. What cannot be taken back says so: `nothingToUndo`. */
  undo: PreparedUndo;
  /** Asked after inject until it says yes, and once more just before the undo: did it take effect? */
  felt(): Promise<Felt>;
  /** The node itself is the proof, and cannot answer before the undo: it is asked only after it. */
  readonly feltAfterwards?: true;
  /** For what ends by itself, exactly when it was asked to: resolves then. The undo comes all the same, and confirms it. */
  over?(): Promise<void>;
  /** What the node's own agent must have to show for it afterwards, and how much. */
  readonly shows?: EventOf<'fault'>['shows'];
  /** Asked once after the undo: how long the machine stood still, as its own kernel has it. */
  measured?(): Promise<{ ms: number; errorMs: number } | undefined>;
  /**
   * Asked after the undo, until it returns undefined or `undo.timeoutMs` passes: what is not whole yet? For what a
   * cluster heals by itself, such as a killed pod.
   */
  notWholeYet?(): Promise<string | undefined>;
}

export interface Fault<P extends FaultParams> {
  readonly name: string;
  readonly params: z.ZodType<P>;
  /** Reads what it must know (a pid, an old value) and returns data; touches nothing. Throws `inject` where there is nothing to hit. */
  prepare(params: P, target: FaultTarget): Promise<PreparedFault>;
}
