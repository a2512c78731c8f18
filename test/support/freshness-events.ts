/** What a run records about the rules of its nodes: reads of both from 11 s to 30 s, changes and wrong entries. */
import type { EventOf, HistoryEvent } from '../../harness/core/history.ts';
import { historyOf } from './history.ts';

export const reads = (node: string, change: Partial<EventOf<'rules-read'>> = {}): HistoryEvent[] =>
  Array.from({ length: 20 }, (_, index) => ({
    tMs: 11_000 + index * 1_000,
    kind: 'rules-read',
    node,
    reads: 2,
    failures: 0,
    everyMs: 500,
    entries: 12,
    ...change,
  }));
export const both = [...reads('w1'), ...reads('w2')];
export const settled = (tookMs: number): HistoryEvent => ({
  tMs: 22_000,
  kind: 'rule-settled',
  node: 'w1',
  change: 'added',
  service: 'coalmine/echo',
  endpoint: '10.244.1.5:8080',
  tookMs,
});
export const episode = (change: Partial<EventOf<'rule-episode'>> = {}): HistoryEvent => ({
  tMs: 29_000,
  kind: 'rule-episode',
  node: 'w1',
  error: 'stale',
  service: 'coalmine/echo',
  port: 'http',
  endpoint: '10.244.1.5:8080',
  sinceMs: 17_800,
  untilMs: null,
  ...change,
});
export const history = (events: readonly HistoryEvent[]) =>
  historyOf({ baseline: 10, fault: 10 }, { events });
