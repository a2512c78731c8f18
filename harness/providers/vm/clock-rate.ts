/**
 * How fast a machine's clock goes. A kernel measures its processor's counter as it boots; without KVM, on a machine that is
 * busy, it may take a wrong measure of it, by a half and more, and keep it: what it measures better a second later it throws
 * away where the two differ by more than 1 % (arch/x86/kernel/tsc.c). No time that is set helps such a clock.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../../core/clock.ts';
import type { ClockedNode } from '../../core/node-clock.ts';

const EVERY_MS = 1_000;
/** What is not known of a clock stays as it is, while what is wrong with it grows. */
const LOOKS_MAX = 8;
/** NTP slews a clock by a twentieth of it. */
const WRONG = 0.01;
/** What may be wrong with one that is taken for right; of a busy node nothing closer is known within a second. */
const DOUBT = 0.03;

/** Undefined where it goes as fast as ours, or cannot be told from one that does; else how many times as fast. */
export async function wrongRate(
  node: Pick<ClockedNode, 'behind'>,
  signal: AbortSignal,
  everyMs = EVERY_MS,
): Promise<number | undefined> {
  const before = await node.behind();
  const fromMs = monotonicMs();
  for (let looks = 1; ; looks += 1) {
    await delay(everyMs, undefined, { signal });
    const after = await node.behind();
    const tookMs = monotonicMs() - fromMs;
    const aheadMs = before.ms - after.ms;
    const errorMs = before.errorMs + after.errorMs;
    if (Math.abs(aheadMs) - errorMs >= WRONG * tookMs) return 1 + aheadMs / tookMs;
    const isRight = Math.abs(aheadMs) + errorMs < DOUBT * tookMs;
    if (isRight || looks === LOOKS_MAX) return undefined;
  }
}
