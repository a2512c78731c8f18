/** The heartbeat: renews the lease, and learns the node's clocks from how long each beat takes to come back. */
import type { RunClock } from '../core/clock.ts';
import { createClockMap, type ClockMap } from './clock-map.ts';
import type { Report, Request } from './protocol.ts';

export interface Pulse {
  /** The node's monotonic clock. */
  readonly mono: ClockMap;
  readonly wall: ClockMap;
  /** Whether enough beats came back to date a reading. */
  isSteady(): boolean;
  receive(beat: Extract<Report, { type: 'heartbeat' }>): void;
  stop(): void;
}

/** So many beats follow each other at once in the beginning: the narrowest round trip counts. */
const FIRST_BEATS = 5;

export function startPulse(
  clock: RunClock,
  everyMs: number,
  send: (request: Request) => void,
  onJump: (jump: { tMs: number; jumpMs: number }) => void,
): Pulse {
  const mono = createClockMap(0);
  const wall = createClockMap(1);
  const sentMs = new Map<number, number>();
  let seq = 0;
  let answered = 0;
  const beat = (): void => {
    seq += 1;
    sentMs.set(seq, clock.nowMs());
    send({ type: 'heartbeat', seq });
  };
  const timer = setInterval(beat, everyMs);
  beat();
  return {
    mono,
    wall,
    isSteady: () => answered >= FIRST_BEATS,
    receive: (answer) => {
      const tMs = clock.nowMs();
      const sent = sentMs.get(answer.seq);
      if (sent === undefined) return;
      sentMs.delete(answer.seq);
      const jumpMs = mono.learn(sent, tMs, answer.monoMs);
      wall.learn(sent, tMs, answer.wallMs);
      if (jumpMs !== 0) onJump({ tMs, jumpMs });
      answered += 1;
      if (answered < FIRST_BEATS) beat();
    },
    stop: () => {
      clearInterval(timer);
    },
  };
}
