/** The heartbeat: renews the lease, and learns the node's clocks from how long each beat takes to come back. */
import type { RunClock } from '../core/clock.ts';
import type { ClockOffset } from '../core/node-clock.ts';
import { createAskers } from './ask-behind.ts';
import { createClockMap, type ClockMap, type Offset } from './clock-map.ts';
import type { Report, Request } from './protocol.ts';

/** At `tMs`, the node's clock was found to be `jumpMs` ± `errorMs` further behind ours than before. */
export interface ClockJump {
  tMs: number;
  jumpMs: number;
  errorMs: number;
}

export interface Pulse {
  /** The node's monotonic clock. */
  readonly mono: ClockMap;
  readonly wall: ClockMap;
  /** When a beat came back last; -Infinity before the first. */
  heardMs(): number;
  /** Whether enough beats came back to date a reading. */
  isSteady(): boolean;
  /** Asked anew: see `ask-behind.ts`. Rejects with `agent` on `stop`. */
  askBehind(): Promise<ClockOffset>;
  receive(beat: Extract<Report, { type: 'heartbeat' }>): void;
  stop(): void;
}

/** In which the agent reads it. */
const WALL_STEP_MS = 1;
/** So many beats follow each other at once in the beginning: the narrowest round trip counts. */
const FIRST_BEATS = 5;
/** A jump is measured until its end is known so closely; a node that just woke up, or shares its CPUs, takes a while. */
const CLOSE_MS = 2;
const JUMP_BEATS_MAX = 40;

export function startPulse(
  clock: RunClock,
  everyMs: number,
  send: (request: Request) => void,
  onJump: (jump: ClockJump) => void,
): Pulse {
  const mono = createClockMap(0);
  const wall = createClockMap(WALL_STEP_MS);
  const askers = createAskers(clock, WALL_STEP_MS);
  const sentMs = new Map<number, number>();
  let seq = 0;
  let answered = 0;
  let heardMs = -Infinity;
  /** Found by a beat that had waited for the node to go on, and is worth little itself: fresh ones measure it. */
  let jump: { before: Offset; tMs: number; lastSeq: number; beatsLeft: number } | undefined;
  const beat = (): void => {
    seq += 1;
    sentMs.set(seq, clock.nowMs());
    send({ type: 'heartbeat', seq });
  };
  /** Returns whether one more beat is wanted. */
  const measureJump = (answeredSeq: number): boolean => {
    if (jump === undefined || answeredSeq <= jump.lastSeq) return false;
    const { before, tMs } = jump;
    const after = mono.offset() ?? before;
    jump.beatsLeft -= 1;
    if (jump.beatsLeft > 0 && after.errorMs > CLOSE_MS) return true;
    jump = undefined;
    onJump({ tMs, jumpMs: after.ms - before.ms, errorMs: after.errorMs + before.errorMs });
    return false;
  };
  const timer = setInterval(beat, everyMs);
  beat();
  return {
    mono,
    wall,
    heardMs: () => heardMs,
    isSteady: () => answered >= FIRST_BEATS,
    askBehind: () => {
      const told = askers.ask(seq);
      beat();
      return told;
    },
    receive: (answer) => {
      const tMs = clock.nowMs();
      const sent = sentMs.get(answer.seq);
      if (sent === undefined) return;
      sentMs.delete(answer.seq);
      heardMs = tMs;
      const before = mono.offset();
      const hasJumped = mono.learn(sent, tMs, answer.monoMs) !== 0;
      wall.learn(sent, tMs, answer.wallMs);
      answered += 1;
      const { seq: of, wallMs } = answer;
      const isAsked = askers.receive({ seq: of, wallMs, sentMs: sent, receivedMs: tMs });
      if (hasJumped && before !== undefined && jump === undefined) {
        jump = { before, tMs, lastSeq: seq, beatsLeft: JUMP_BEATS_MAX };
        beat();
      } else if (answered < FIRST_BEATS || measureJump(of) || isAsked) beat();
    },
    stop: () => {
      clearInterval(timer);
      askers.stop();
    },
  };
}
