/**
 * Calls `send` at an even rate, whatever the answers do (an open model: slow answers do not slow the load down). What
 * the generator missed while it stalled itself is skipped and counted, never sent as a burst that no application makes.
 */
const BACKLOG_MAX_MS = 200;

export interface Pace {
  ratePerSecond: number;
  /** Returns false where the request could not be sent for want of room. */
  send(): boolean;
  onSkipped(count: number): void;
}

/** Returns the function that stops it. */
export function startPacer(pace: Pace): () => void {
  const periodMs = 1_000 / pace.ratePerSecond;
  const backlogMax = Math.max(1, Math.floor(BACKLOG_MAX_MS / periodMs));
  let nextMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    const nowMs = performance.now();
    const due = Math.floor((nowMs - nextMs) / periodMs) + 1;
    const missed = Math.max(0, due - backlogMax);
    let unsent = missed;
    for (let sent = missed; sent < due; sent += 1) if (!pace.send()) unsent += 1;
    if (unsent > 0) pace.onSkipped(unsent);
    nextMs += Math.max(0, due) * periodMs;
    timer = setTimeout(tick, Math.max(1, nextMs - performance.now()));
  };
  tick();
  return () => {
    clearTimeout(timer);
  };
}
