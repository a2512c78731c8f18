/** Every provider, in the order in which `auto` tries them. What a provider refuses is known from the plan alone. */
import type { Plan } from '../core/plan.ts';
import { refusals } from '../providers/kind/refusals.ts';

export interface ProviderEntry {
  readonly name: Plan['provider'];
  /** One sentence for each thing that can never work on it; empty = can serve. */
  readonly refuses: (plan: Plan) => string[];
}

export const PROVIDER_LIST: readonly ProviderEntry[] = [{ name: 'kind', refuses: refusals }];
