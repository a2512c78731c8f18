/** One line for an event that a person wants to see when it happens; undefined for the rest. Pure. */
import type { HistoryEvent } from '../core/history.ts';

export function headline(event: HistoryEvent): string | undefined {
  switch (event.kind) {
    case 'rule-episode':
      return `rules: ${event.endpoint} of ${event.service} was ${event.error} on ${event.node} for ${(((event.untilMs ?? event.tMs) - event.sinceMs) / 1_000).toFixed(1)}s`;
    case 'node-ready':
      return `node ${event.node} is ${event.ready ? 'Ready' : 'not Ready'}`;
    case 'agent-lost':
      return `the agent of ${event.node} is lost: ${event.detail}`;
    case 'agent-gap':
      return `${event.node} stood still for ${(event.gapMs / 1_000).toFixed(2)}s`;
    case 'fault':
      return event.state === 'undo-failed'
        ? `UNDO NOT CONFIRMED: ${event.fault} on ${event.node}: ${event.detail ?? ''}`
        : undefined;
    default:
      return undefined;
  }
}
