/** A probe says what to read on a node and how to understand it. `parse` is pure and never throws on damaged text. */
import type { WatchSource } from '../../core/node.ts';

export interface Probe {
  readonly name: string;
  /** `host-wide`: in a container node these are the host's counters; `node`: the node's own network namespace. */
  readonly scope: 'node' | 'host-wide-on-kind';
  readonly source: WatchSource;
  /** Slowest useful period; a probe that runs a command asks for more than one that reads files. */
  readonly everyMsMin: number;
  /**
   * Contents by path (`stdout` for a command; null = unreadable) to counters, for example `cpu0.dropped: 3`.
   * Lines that make no sense are left out, never guessed.
   */
  parse(contents: Readonly<Record<string, string | null>>): Record<string, number>;
}
