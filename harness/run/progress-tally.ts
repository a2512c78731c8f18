/** Adds up a history as it happens, for the live display. Pure but for its own sums. */
import type { HistoryEvent } from '../core/history.ts';

export interface Tally {
  readonly phase: string | undefined;
  readonly lastMs: number;
  event(event: HistoryEvent): void;
  /** The state of the run in a few short lines. */
  lines(): string[];
}

interface LoadSum {
  sent: number;
  failed: number;
}

export function createTally(): Tally {
  const loads = new Map<string, LoadSum>();
  const entries = new Map<string, number>();
  const ready = new Map<string, boolean>();
  const inForce = new Map<string, string>();
  let phase: string | undefined;
  let lastMs = 0;
  let worstAgeMs = 0;
  const take = (event: HistoryEvent): void => {
    switch (event.kind) {
      case 'phase':
        phase = event.state === 'started' ? event.phase : phase;
        break;
      case 'load': {
        const sum = loads.get(event.load) ?? { sent: 0, failed: 0 };
        loads.set(event.load, {
          sent: sum.sent + event.sent,
          failed: sum.failed + event.sent - event.ok,
        });
        break;
      }
      case 'rules-read':
        entries.set(event.node, event.entries);
        break;
      case 'rule-episode':
        worstAgeMs = Math.max(worstAgeMs, (event.untilMs ?? event.tMs) - event.sinceMs);
        break;
      case 'node-ready':
        ready.set(event.node, event.ready);
        break;
      case 'fault':
        if (event.state === 'injected') inForce.set(event.id, `${event.fault} on ${event.node}`);
        else if (event.state === 'undone') inForce.delete(event.id);
        break;
      default:
    }
  };
  return {
    get phase() {
      return phase;
    },
    get lastMs() {
      return lastMs;
    },
    event: (event) => {
      lastMs = Math.max(lastMs, event.tMs);
      take(event);
    },
    lines: () => [
      `phase ${phase ?? '-'}; in force: ${[...inForce.values()].join(', ') || 'nothing'}`,
      `nodes ready ${[...ready.values()].filter(Boolean).length} of ${ready.size}`,
      `rules ${[...entries.values()].reduce((sum, count) => sum + count, 0)} entries, oldest wrong one ${(worstAgeMs / 1_000).toFixed(1)}s`,
      ...[...loads].map(([load, { sent, failed }]) => `${load}: ${sent} sent, ${failed} failed`),
    ],
  };
}
