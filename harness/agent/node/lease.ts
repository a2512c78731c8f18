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
const GAP_MS = 3 * TICK_MS;

export interface Lease {
  renew(leaseMs?: number): void;
  /** Ticks more often for a while: what is to be measured more closely. */
  tickEvery(everyMs: number, forMs: number): void;
  stop(): void;
}

export function startLease(
  leaseMs: number,
  onGap: (gap: { fromMonoMs: number; gapMs: number; tickMs: number }) => void,
  onExpired: () => void,
): Lease {
  let lengthMs = leaseMs;
  let lastTickMs = monotonicMs();
  let renewedMs = lastTickMs;
  let close = { everyMs: TICK_MS, untilMs: -Infinity };
  let tickMs = TICK_MS;
  let timer = setTimeout(tick, TICK_MS);
  function tick(): void {
    const nowMs = monotonicMs();
    const gapMs = nowMs - lastTickMs;
    if (gapMs > GAP_MS) {
      renewedMs += gapMs;
      onGap({ fromMonoMs: lastTickMs, gapMs, tickMs });
    }
    tickMs = nowMs < close.untilMs ? close.everyMs : TICK_MS;
    timer = setTimeout(tick, Math.ceil(tickMs - (nowMs % tickMs)));
    lastTickMs = nowMs;
    if (nowMs - renewedMs > lengthMs) onExpired();
  }
  return {
    renew: (newLeaseMs) => {
      lengthMs = newLeaseMs ?? lengthMs;
      renewedMs = monotonicMs();
    },
    tickEvery: (everyMs, forMs) => {
      close = { everyMs, untilMs: monotonicMs() + forMs };
      clearTimeout(timer);
      tick();
    },
    stop: () => {
      clearTimeout(timer);
    },
  };
}
