/** Every churn that a scenario may name. One line for each; nothing registers itself. */
import type { Churn } from './churn.ts';
import { drainReuse } from './drain-reuse.ts';
import { endpointGone } from './endpoint-gone.ts';
import { endpoints } from './endpoints.ts';
import { irqMitigation } from './irq-mitigation.ts';
import { rollingRestart } from './rolling-restart.ts';

/** Give `prepare` and `run` only what the same churn's `params` has parsed. */
export const CHURNS: readonly Churn<unknown>[] = [
  drainReuse,
  endpointGone,
  endpoints,
  irqMitigation,
  rollingRestart,
];
