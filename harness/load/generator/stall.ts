/** The generator's own lateness, so that its noise is not taken for the network's. */
const TICK_MS = 50;

export interface StallWatch {
  /** Returns the longest stall since the last call, the one that may be going on included. */
  takeMs(): number;
  stop(): void;
}

export function watchStalls(): StallWatch {
  let lastMs = performance.now();
  let longestMs = 0;
  const look = (): void => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs - TICK_MS);
    lastMs = nowMs;
  };
  const timer = setInterval(look, TICK_MS);
  return {
    takeMs() {
      look();
      const takenMs = Math.max(0, longestMs);
      longestMs = 0;
      return takenMs;
    },
    stop() {
      clearInterval(timer);
    },
  };
}
