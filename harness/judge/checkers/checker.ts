/** A checker judges one invariant on a stored history: pure, no cluster, no clock. */
import type { z } from 'zod';
import type { Finding } from '../../core/finding.ts';
import type { History } from '../../core/history.ts';

export interface Checker<P> {
  readonly name: string;
  readonly params: z.ZodType<P>;
  /** What must be switched on in the nodes' kernels for it, because no node counts it by itself. */
  readonly trace?: 'softirq-times';
  /** Too little evidence is `inconclusive` with the reason; never `pass` for want of data. */
  check(history: History, params: P): Finding;
}
