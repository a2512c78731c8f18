/** How far a kernel counter went from one reading to the next, across wraps and resets. */

const U32 = 2 ** 32;

/**
 * A 32-bit counter that went down has wrapped if that makes a small step, else it was reset; a 64-bit one was reset. What
 * a reset counter shows was counted since. A sum of 32-bit counters wraps in the same steps.
 */
export function increase(before: number, after: number, bits: 32 | 64): number {
  if (after >= before) return after - before;
  if (bits === 64) return after;
  const wrapped = (((after - before) % U32) + U32) % U32;
  return wrapped < U32 / 2 ? wrapped : after;
}
