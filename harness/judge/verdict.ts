/** From findings and the history's own end to one verdict: the reducer. Nothing that was found early can get lost later. */
import type { Finding } from '../core/finding.ts';
import { eventsOf, type EventOf, type History } from '../core/history.ts';
import type { Outcome } from '../core/exit-code.ts';
import { worst, type Verdict } from '../core/verdict.ts';

export interface Reduced {
  verdict: Verdict;
  dirty: boolean;
  left: string[];
  state: 'ended' | 'interrupted' | 'crashed' | 'killed';
  stateDetail: string;
  outcome: Outcome;
}

export function reduce(findings: readonly Pick<Finding, 'verdict'>[], history: History): Reduced {
  const verdict = worst(findings.map((finding) => finding.verdict));
  const left = whatIsLeft(history);
  const dirty = left.length > 0;
  const last = eventsOf(history, 'run')
    .filter(({ state }) => state !== 'started')
    .at(-1);
  const outcome: Outcome = { verdict, dirty };
  if (last?.state === 'interrupted') outcome.signal = last.signal ?? 'SIGINT';
  if (last?.state === 'crashed') outcome.stoppedBy = last.exitCode ?? 6;
  const state = last === undefined || last.state === 'started' ? 'killed' : last.state;
  return { verdict, dirty, left, state, stateDetail: last?.detail ?? '', outcome };
}

/** Faults that cannot be taken back, and so leave nothing that could be. */
const NOTHING_TO_UNDO = ['kill-pod'];

/**
 * A fault whose undo failed and was confirmed later (by a second try) is not left. One of which the history does not say how
 * it ended is: where the controller was killed, its cluster has most likely gone with it, but nobody looked.
 */
function whatIsLeft(history: History): string[] {
  const faults = eventsOf(history, 'fault');
  const failed = faults.filter(
    ({ id, state }, index) =>
      state === 'undo-failed' &&
      !faults.slice(index + 1).some((event) => event.id === id && event.state === 'undone'),
  );
  return [
    ...failed.map(
      ({ fault, id, node, detail }) =>
        `${node}: the undo of ${fault} (${id}) is not confirmed${detail === undefined ? '' : `: ${detail}`}`,
    ),
    ...openFaults(faults).map(({ fault, id, node, state }) => {
      const was = state === 'armed' ? 'armed' : 'in force';
      return `${node}: ${fault} (${id}) was ${was} where the history ends: its undo is not confirmed`;
    }),
    ...eventsOf(history, 'residue').map(({ where, what }) => `${where}: ${what}`),
  ].filter((text, index, all) => all.indexOf(text) === index);
}

/** The last that was said of each fault, where that is neither its undo nor that it failed. */
function openFaults(faults: readonly EventOf<'fault'>[]): EventOf<'fault'>[] {
  return faults.filter(
    ({ id, fault, state }, index) =>
      (state === 'armed' || state === 'injected') &&
      !NOTHING_TO_UNDO.includes(fault) &&
      !faults.slice(index + 1).some((event) => event.id === id),
  );
}
