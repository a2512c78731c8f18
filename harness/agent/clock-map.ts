/**
 * Maps a remote clock to the run clock. Each heartbeat bounds the offset: the remote clock was read after we sent and
 * before we received. The narrowest recent bound counts; the longer ago it was learnt, the wider it is taken to be.
 */
export interface ClockMap {
  /** Learns from one round trip. Returns by how much the remote clock jumped back against ours, or 0. */
  learn(sentMs: number, receivedMs: number, remoteMs: number): number;
  toRun(remoteMs: number): { tMs: number; errorMs: number };
  /** How far the remote clock is behind ours now, as far as it is known. */
  offset(): Offset | undefined;
}

export interface Offset {
  ms: number;
  errorMs: number;
}

interface Bound {
  remoteMs: number;
  /** Run time minus remote time is between `low` and `high`. */
  low: number;
  high: number;
}

/** The offset of one unbroken stretch of the remote clock. A jump ends it; earlier times keep it. */
interface Piece {
  fromRemoteMs: number;
  bounds: Bound[];
}

/** As fast as NTP may slew a clock: what two clocks can part from each other without a jump. */
const DRIFT = 500e-6;
const BOUNDS_MAX = 16;
const PIECES_MAX = 1_000;

/** `resolutionMs` is the step in which the remote clock is read. */
export function createClockMap(resolutionMs: number): ClockMap {
  const pieces: Piece[] = [];

  const errorOf = (bound: Bound, remoteMs: number): number =>
    (bound.high - bound.low) / 2 + DRIFT * Math.abs(remoteMs - bound.remoteMs);
  const best = (piece: Piece, remoteMs: number): Bound | undefined => {
    let found = piece.bounds[0];
    for (const bound of piece.bounds) {
      if (found === undefined || errorOf(bound, remoteMs) < errorOf(found, remoteMs)) found = bound;
    }
    return found;
  };
  return {
    learn: (sentMs, receivedMs, remoteMs) => {
      const bound = {
        remoteMs,
        low: sentMs - remoteMs - resolutionMs,
        high: receivedMs - remoteMs,
      };
      const piece = pieces.at(-1);
      const known = piece === undefined ? undefined : best(piece, remoteMs);
      if (piece !== undefined && known !== undefined) {
        const slackMs = 1 + DRIFT * Math.abs(remoteMs - known.remoteMs);
        const jumpMs =
          Math.max(0, bound.low - known.high - slackMs) -
          Math.max(0, known.low - bound.high - slackMs);
        if (jumpMs === 0) {
          piece.bounds.push(bound);
          if (piece.bounds.length > BOUNDS_MAX) piece.bounds.shift();
          return 0;
        }
        piece.bounds = [known];
        pieces.push({ fromRemoteMs: remoteMs, bounds: [bound] });
        if (pieces.length > PIECES_MAX) pieces.shift();
        return (bound.low + bound.high - known.low - known.high) / 2;
      }
      pieces.push({ fromRemoteMs: -Infinity, bounds: [bound] });
      return 0;
    },
    toRun: (remoteMs) => {
      const piece = pieces.findLast(({ fromRemoteMs }) => fromRemoteMs <= remoteMs) ?? pieces[0];
      const bound = piece === undefined ? undefined : best(piece, remoteMs);
      if (bound === undefined) return { tMs: remoteMs, errorMs: Infinity };
      return { tMs: remoteMs + (bound.low + bound.high) / 2, errorMs: errorOf(bound, remoteMs) };
    },
    offset: () => {
      const piece = pieces.at(-1);
      const newestMs = piece?.bounds.at(-1)?.remoteMs;
      const bound =
        piece === undefined || newestMs === undefined ? undefined : best(piece, newestMs);
      if (bound === undefined || newestMs === undefined) return undefined;
      return { ms: (bound.low + bound.high) / 2, errorMs: errorOf(bound, newestMs) };
    },
  };
}
