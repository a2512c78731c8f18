/** A fault is a reversible harm to one node. The author of a fault writes only the middle; disrupt/active.ts does the rest. */
import type { z } from 'zod';
import type { Command } from '../../core/command.ts';
import type { KubeApi } from '../../core/kube.ts';
import type { NodeAgent, NodeInfo } from '../../core/node.ts';
import type { UndoRecord } from '../../core/undo.ts';

export interface FaultTarget {
  readonly node: NodeInfo;
  readonly agent: NodeAgent;
  readonly kube: KubeApi;
  /** Unique word of this fault in this run, for tagging what it adds: `coalmine-<runId>-<id>`. */
  readonly tag: string;
}

export interface PreparedFault {
  /** Where inject, undo and verify run: the controller, or the node of the target. */
  where: 'controller' | 'node';
  inject: readonly Command[];
  undo: Pick<UndoRecord, 'undo' | 'restore' | 'verify' | 'timeoutMs'>;
  /** Asked after inject (and again until the fault ends): did it take effect? The sentence is the evidence. */
  felt(): Promise<{ felt: boolean; evidence: string }>;
}

export interface Fault<P> {
  readonly name: string;
  readonly params: z.ZodType<P>;
  /** Reads what it must know (a pid, an old value) and returns data; touches nothing. Throws `inject` where there is nothing to hit. */
  prepare(params: P, target: FaultTarget): Promise<PreparedFault>;
}
