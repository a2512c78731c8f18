/**
 * Asks a node's wall clock by heartbeats of its own: what was known of a clock that was just set is about the time before,
 * and so is a beat that was under way.
 */
import type { RunClock } from '../core/clock.ts';
import { CoalmineError } from '../core/errors.ts';
import type { ClockOffset } from '../core/node-clock.ts';
import { createClockMap, type ClockMap } from './clock-map.ts';

export interface Askers {
  /** Rejects with `agent` on `stop`. @param lastSeq the last beat that was sent; later ones tell */
  ask(lastSeq: number): Promise<ClockOffset>;
  /** Returns whether somebody wants one more beat. */
  receive(answer: { seq: number; wallMs: number; sentMs: number; receivedMs: number }): boolean;
  stop(): void;
}

interface Asker {
  readonly lastSeq: number;
  readonly wall: ClockMap;
  beatsLeft: number;
  readonly tell: (offset: ClockOffset) => void;
  readonly fail: (error: Error) => void;
}

/** A busy node without KVM seldom answers faster, and nobody needs it closer. */
const CLOSE_MS = 20;
const BEATS_MAX = 10;

/** `resolutionMs` is the step in which the wall clock is read. */
export function createAskers(clock: RunClock, resolutionMs: number): Askers {
  const askers = new Set<Asker>();
  return {
    ask: (lastSeq) =>
      new Promise((tell, fail) => {
        const wall = createClockMap(resolutionMs);
        askers.add({ lastSeq, wall, beatsLeft: BEATS_MAX, tell, fail });
      }),
    receive: ({ seq, wallMs, sentMs, receivedMs }) => {
      let wanted = false;
      for (const asker of askers) {
        if (seq <= asker.lastSeq) continue;
        asker.wall.learn(sentMs, receivedMs, wallMs);
        asker.beatsLeft -= 1;
        const offset = asker.wall.offset();
        if (offset === undefined || (asker.beatsLeft > 0 && offset.errorMs > CLOSE_MS)) {
          wanted = true;
          continue;
        }
        askers.delete(asker);
        asker.tell({ ms: Date.now() + offset.ms - clock.nowMs(), errorMs: offset.errorMs });
      }
      return wanted;
    },
    stop: () => {
      const error = new CoalmineError('agent', 'its clock was asked, and it was let go of');
      for (const { fail } of askers) fail(error);
      askers.clear();
    },
  };
}
