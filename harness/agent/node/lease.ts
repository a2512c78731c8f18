/**
 * The promise to undo everything when the controller falls silent, and the eye on our own lateness. Time in which this
 * process did not run (a freeze, a starved node) is reported as a gap and not counted against the controller.
 */
import { monotonicMs } from '../../core/clock.ts';

/** A freeze is measured from the last tick before it to the first one after: too long by one tick at most. */
const TICK_MS = 50;
const GAP_TICKS = 3;

export interface Lease {
  renew(leaseMs?: number): void;
  stop(): void;
}

export function startLease(
  leaseMs: number,
  onGap: (gap: { fromMonoMs: number; gapMs: number }) => void,
  onExpired: () => void,
): Lease {
  let lengthMs = leaseMs;
  let lastTickMs = monotonicMs();
  let renewedMs = lastTickMs;
  const timer = setInterval(() => {
    const nowMs = monotonicMs();
    const gapMs = nowMs - lastTickMs;
    if (gapMs > GAP_TICKS * TICK_MS) {
      renewedMs += gapMs;
      onGap({ fromMonoMs: lastTickMs, gapMs });
    }
    lastTickMs = nowMs;
    if (nowMs - renewedMs > lengthMs) onExpired();
  }, TICK_MS);
  return {
    renew: (newLeaseMs) => {
      lengthMs = newLeaseMs ?? lengthMs;
      renewedMs = monotonicMs();
    },
    stop: () => {
      clearInterval(timer);
    },
  };
}
