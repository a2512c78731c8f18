/** One line for an event that a person wants to see when it happens; undefined for the rest. Pure. */
import type { HistoryEvent } from '../core/history.ts';

/** What is shorter than these is in the history, and no news. */
const EPISODE_MIN_MS = 2_000;
const GAP_MIN_MS = 1_000;

export function headline(event: HistoryEvent): string | undefined {
  switch (event.kind) {
    case 'rule-episode': {
      const ageMs = (event.untilMs ?? event.tMs) - event.sinceMs;
      if (ageMs < EPISODE_MIN_MS) return undefined;
      return `rules: ${event.endpoint} of ${event.service} was ${event.error} on ${event.node} for ${(ageMs / 1_000).toFixed(1)}s`;
    }
    case 'node-ready':
      return `node ${event.node} is ${event.ready ? 'Ready' : 'not Ready'}`;
    case 'agent-lost':
      return `the agent of ${event.node} is lost: ${event.detail}`;
    case 'agent-back':
      return `the agent of ${event.node} is back: ${event.detail}`;
    case 'agent-gap':
      if (event.gapMs < GAP_MIN_MS) return undefined;
      return `${event.node} stood still for ${(event.gapMs / 1_000).toFixed(2)}s`;
    case 'fault':
      return event.state === 'undo-failed'
        ? `UNDO NOT CONFIRMED: ${event.fault} on ${event.node}: ${event.detail ?? ''}`
        : undefined;
    default:
      return undefined;
  }
}
