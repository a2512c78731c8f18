/** One node, one family: the readings of its rules, into one tracker. */
import type { RunClock } from '../../core/clock.ts';
import { hasCode } from '../../core/errors.ts';
import type { HistoryEvent } from '../../core/history.ts';
import type { NodeAgent, Reading } from '../../core/node.ts';
import type { RuleSource } from './rule-source.ts';
import type { Family } from './rules.ts';
import { createTracker, type RuleReading } from './tracker.ts';
import type { WantedFronts } from './wanted.ts';

export interface NodeRules {
  readonly node: string;
  readonly family: Family;
  want(tMs: number, service: string, fronts: WantedFronts): void;
  /** Begins to read. What is wanted must be known by then, or all that the kernel has would look stale. */
  start(): Promise<void>;
  hasRead(): boolean;
  live(): { entries: number; wrong: number; open: number };
  /** Readings since it was last asked; failures are among the reads. */
  takeTally(): { reads: number; failures: number };
  stop(): Promise<void>;
}

export interface NodeRulesOptions {
  node: string;
  family: Family;
  agent: NodeAgent;
  source: RuleSource;
  everyMs: number;
  clock: RunClock;
  emit: (event: HistoryEvent) => void;
  note: (text: string) => void;
}

export function createNodeRules(options: NodeRulesOptions): NodeRules {
  const { node, family, agent, source, everyMs, clock, emit, note } = options;
  const tracker = createTracker(node, emit);
  const read = createReader(source);
  let tally = { reads: 0, failures: 0 };
  let state: 'waiting' | 'reading' | 'stopped' = 'waiting';
  const onReading = (reading: Reading): void => {
    if (state === 'stopped') return;
    const rules = read(reading.changed[source.part]);
    tally.reads += 1;
    if (rules === undefined) tally.failures += 1;
    else state = 'reading';
    tracker.reading({ tMs: reading.tMs, errorMs: reading.errorMs, rules });
  };
  let watch: { stop(): Promise<void> } | undefined;
  return {
    node,
    family,
    want: (tMs, service, fronts) => {
      tracker.wanted(tMs, service, fronts);
      for (const front of tracker.contested())
        note(`rule freshness: two Services claim ${front}; its entries are not judged`);
    },
    start: async () => {
      watch = await agent.watch(source.watch, { everyMs, everyTick: true, onReading });
    },
    hasRead: () => state === 'reading',
    live: () => tracker.live(),
    takeTally: () => {
      const taken = tally;
      tally = { reads: 0, failures: 0 };
      return taken;
    },
    stop: async () => {
      if (state === 'stopped') return;
      state = 'stopped';
      tracker.stop(clock.nowMs());
      await watch?.stop().catch(unlessAgentIsGone);
    },
  };
}

/** A node that was lost has its own event; its readings have ended anyway. */
function unlessAgentIsGone(error: unknown): void {
  if (!hasCode(error, 'agent')) throw error;
}

/** Turns each tick's output (undefined: as before; null: failed) into rules, and parses only what differs. */
export function createReader(
  source: RuleSource,
): (output: string | null | undefined) => RuleReading['rules'] {
  let significant: string | undefined;
  let last: RuleReading['rules'];
  return (output) => {
    if (output === undefined) return last === undefined ? undefined : 'same';
    if (output === null) {
      last = undefined;
      return undefined;
    }
    const part = source.significant(output);
    if (part === significant && last !== undefined) return 'same';
    last = source.parse(output);
    significant = last === undefined ? undefined : part;
    return last;
  };
}
