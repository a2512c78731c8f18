/**
 * What the rooms may ask of a node. The agent client implements it; disruptions, loads and probes see only this.
 */
import type { Command, Executor } from './command.ts';
import type { UndoRecord } from './undo.ts';

/** A process that keeps running on a node. Its end never throws: it is a value. */
export interface RunningCommand {
  readonly ended: Promise<{ exitCode: number | null; signal: string | null }>;
  kill(signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT'): Promise<void>;
}

export interface WatchOptions {
  everyMs: number;
  /** Called once for the first reading, then for each tick on which something changed. */
  onReading(reading: Reading): void;
  /** Calls onReading on each tick, with an empty `changed` where nothing did: "still so at tMs" is known to one period. */
  everyTick?: boolean;
  /**
   * Called about once a second, so that "nothing changed" and "nothing was read" can be told apart. The counts are since
   * the last call: `reads` ticks were kept, on `failures` of them nothing at all could be read, and `skips` ticks were
   * not kept, because the last one still ran, the node stood still, or the controller fell behind.
   */
  onProgress?(progress: {
    tMs: number;
    reads: number;
    failures: number;
    skips?: number;
    lastError?: string;
  }): void;
}

/**
 * The changed contents of one tick; `tMs` is the run clock, true to ± `errorMs`. What a command printed was true at some
 * moment of its run: `tMs` is the middle of it, and `errorMs` includes half of its length.
 */
export interface Reading {
  tMs: number;
  errorMs: number;
  /** Keyed by path, or `stdout` for a command; null where a file cannot be read (gone, or no permission) or the command failed. */
  changed: Readonly<Record<string, string | null>>;
}

export type WatchSource = { files: readonly string[] } | { command: Command; timeoutMs: number };

export interface NodeAgent extends Executor {
  watch(source: WatchSource, options: WatchOptions): Promise<{ stop(): Promise<void> }>;
  /** Starts a command and streams its output by line. */
  start(
    command: Command,
    onLine: (line: string, stream: 'stdout' | 'stderr') => void,
  ): Promise<RunningCommand>;
  writeFile(path: string, content: string, mode?: number): Promise<void>;
  /** Resolves once the record is on the node's disk: from then on the lease holds it. */
  arm(record: UndoRecord): Promise<void>;
  /** Carries the record out now and verifies it; throws `undo` where it cannot be confirmed. */
  undo(id: string): Promise<void>;
  /** Maps the node's wall clock (ms since 1970) to the run clock. */
  wallToRunMs(wallMs: number): number;
}

/** A freeze of the machine under a node, as commands of the controller, so that its undo can be journaled. */
export interface MachineFreeze {
  /** What really stops: `processes` (a cgroup freezer: kernel, softirq and timers go on) or the whole `machine`. */
  readonly stops: 'processes' | 'machine';
  readonly inject: Command;
  readonly undo: Command;
  readonly verify: UndoRecord['verify'];
}

export interface NodeInfo {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  /** Node IPs, IPv4 first. */
  readonly addresses: readonly string[];
  readonly freeze?: MachineFreeze;
}
