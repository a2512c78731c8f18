/** Records when the controller itself stalled: what it timed in such a window is void. */
import { monotonicMs } from '../core/clock.ts';
import type { Stage } from './context.ts';

const TICK_MS = 50;
/** Shorter stalls do not reach any limit that a checker has. */
const GAP_MIN_MS = 250;

export function watchSelf({ clock, emit }: Pick<Stage, 'clock' | 'emit'>): {
  readonly stop: () => void;
} {
  let lastMs = monotonicMs();
  const timer = setInterval(() => {
    const nowMs = monotonicMs();
    const gapMs = nowMs - lastMs - TICK_MS;
    lastMs = nowMs;
    if (gapMs >= GAP_MIN_MS)
      emit.now({ kind: 'controller-gap', fromMs: clock.nowMs() - gapMs, gapMs });
  }, TICK_MS);
  return {
    stop: () => {
      clearInterval(timer);
    },
  };
}
