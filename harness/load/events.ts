/** A line of a generator, as it goes into the history. */
import type { EventOf } from '../core/history.ts';
import type { LoadLine } from './lines.ts';

export interface LoadOrigin {
  /** The load's id in the scenario. */
  load: string;
  type: EventOf<'load'>['type'];
  node: string;
  /** The node's wall clock, in ms since 1970, on the run clock (`NodeAgent.wallToRunMs`). */
  wallToRunMs: (wallMs: number) => number;
}

export type LoadEvent = EventOf<'load-ready'> | EventOf<'load'> | EventOf<'load-ended'>;

export function loadEvent(line: LoadLine, origin: LoadOrigin): LoadEvent {
  const { load, type, node, wallToRunMs } = origin;
  if ('ready' in line) return { kind: 'load-ready', tMs: wallToRunMs(line.atWallMs), load, node };
  if ('ended' in line)
    return {
      kind: 'load-ended',
      tMs: wallToRunMs(line.atWallMs),
      load,
      node,
      detail: line.unfinished ? `${line.ended}; ${line.unfinished} unfinished` : line.ended,
    };
  const { sent, ok, timeouts, errors, latenciesMs, stallMs, skipped, flows } = line;
  const [fromMs, toMs] = [wallToRunMs(line.fromWallMs), wallToRunMs(line.toWallMs)];
  return {
    ...{ kind: 'load', tMs: toMs, load, type, node, fromMs, toMs },
    ...{ sent, ok, timeouts, errors, latenciesMs },
    ...(stallMs === undefined ? {} : { stallMs }),
    ...(skipped === undefined ? {} : { skipped }),
    ...(flows === undefined ? {} : { flows }),
  };
}
