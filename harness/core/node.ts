/**
 * What the rooms may ask of a node. The agent client implements it; disruptions, loads and probes see only this.
 */
import type { Command } from './command.ts';
import type { ClockedNode } from './node-clock.ts';
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

export interface NodeAgent extends ClockedNode {
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
  /** For the next `forMs` the agent looks after its own lateness every `everyMs`: its gaps are then known to that. */
  tickEvery(everyMs: number, forMs: number): Promise<void>;
  /** Maps the node's wall clock (ms since 1970) to the run clock. */
  wallToRunMs(wallMs: number): number;
  /** When it answered last, on the run clock; -Infinity where it has not yet. */
  heardMs(): number;
}

/**
 * How a machine under a node can stand still. `pause`: its processes stop, its kernel goes on. `suspend`: the machine stops
 * and its clock with it. `stall`: the machine stops, its clock goes on.
 */
export const FREEZE_KINDS = ['pause', 'suspend', 'stall'] as const;
export type FreezeKind = (typeof FREEZE_KINDS)[number];

/** A freeze of the machine under a node, as commands of the controller, so that its undo can be journaled. */
export interface MachineFreeze {
  /** What really stops: `processes` (a cgroup freezer: kernel, softirq and timers go on) or the whole `machine`. */
  readonly stops: 'processes' | 'machine';
  /** What the node's own agent has to show for it: ticks that are missing, or a clock that is behind ours. */
  readonly shows: 'agent-gap' | 'clock-jump';
  readonly inject: Command;
  readonly undo: Command;
  readonly verify: UndoRecord['verify'];
  /** Freezes it now, and lets it go on after that time to the millisecond. Absent where only the commands can. */
  readonly hold?: (forMs: number) => Promise<FreezeHold>;
}

export interface FreezeHold {
  /** Resolves once the machine goes on, whoever let it. */
  readonly over: Promise<void>;
  /** What the machine itself said about it so far. */
  proof(): { felt: boolean; evidence: string };
}

/** A NIC that can be taken out of the machine while it runs, and put back as it was: same MAC, same network behind it. */
export interface MachineNic {
  /** As the node names it: `eth1`. */
  readonly name: string;
  readonly mac: string;
  /** The node's address on it, with prefix length. */
  readonly address: string;
  /** The other end of the link on the controller's side, and its address: where a flood of packets comes from. */
  readonly peer: { readonly link: string; readonly address: string };
  /** Each ends once it is so. */
  readonly detach: Command;
  readonly attach: Command;
  /** It is in the machine. */
  readonly verify: UndoRecord['verify'];
}

/** The switch of a machine. The node's agent does not outlive any of them. */
export interface MachinePower {
  readonly reset: Command;
  readonly off: Command;
  /** Boots it anew; one that is on stays as it is. */
  readonly on: Command;
  /** It is on. */
  readonly verify: UndoRecord['verify'];
}

/** What the kernel of a node says of itself: another id is another boot. */
export interface Boot {
  readonly id: string;
  /** When it began, on the run clock, true to ± `errorMs`. */
  readonly atMs: number;
  readonly errorMs: number;
}

export interface Restart {
  readonly before: Boot;
  /** Settles once the node's agent answers from another boot; rejects where it never will, or not in time. */
  readonly after: Promise<Boot>;
}

/**
 * Does what ends everything on a node, its agent too. That loss is then expected, with `why` as its reason, and the agent is
 * met again once the node has booted anew: what it watched is watched again, and until then every call to it fails.
 */
export type RestartBy = (
  why: string,
  deed: () => Promise<void>,
  timeoutMs: number,
) => Promise<Restart>;

export type MachineFreezes = Readonly<Partial<Record<FreezeKind, MachineFreeze>>>;

export interface NodeInfo {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  /** Node IPs, IPv4 first. */
  readonly addresses: readonly string[];
  readonly freezes?: MachineFreezes;
  readonly nics?: readonly MachineNic[];
  readonly power?: MachinePower;
}
