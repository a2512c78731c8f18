/**
 * The promise to undo everything when the controller falls silent, and the eye on our own lateness. Time in which this
 * process did not run (a freeze, a starved node) is reported as a gap and not counted against the controller.
 */
import { monotonicMs } from '../../core/clock.ts';

/**
 * A freeze is measured from the last tick before it to the first one after: too long by one tick at most. Ticks fall on
 * multiples of this, as those of the sampler do: at 10 Hz they share each wake-up, which is what costs.
 */
const TICK_MS = 100;
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
  let timer = setTimeout(tick, TICK_MS);
  function tick(): void {
    const nowMs = monotonicMs();
    timer = setTimeout(tick, Math.ceil(TICK_MS - (nowMs % TICK_MS)));
    const gapMs = nowMs - lastTickMs;
    if (gapMs > GAP_TICKS * TICK_MS) {
      renewedMs += gapMs;
      onGap({ fromMonoMs: lastTickMs, gapMs });
    }
    lastTickMs = nowMs;
    if (nowMs - renewedMs > lengthMs) onExpired();
  }
  return {
    renew: (newLeaseMs) => {
      lengthMs = newLeaseMs ?? lengthMs;
      renewedMs = monotonicMs();
    },
    stop: () => {
      clearTimeout(timer);
    },
  };
}
