/** Command line to plans: the pure first half of every command that takes a scenario. */
import type { Plan } from '../core/plan.ts';
import { readHost } from './host.ts';
import { onOneProvider } from './one-provider.ts';
import { parseOverride } from './overrides.ts';
import { planKnown, type Known } from './plan-known.ts';
import { planScenario, type Planned } from './plan.ts';
import { newRunId } from './run-id.ts';
import { loadScenario } from './scenario-file.ts';

export interface PlanRequest {
  scenario: string;
  set: readonly string[];
  provider?: Plan['provider'];
  runId?: string;
  /** The scenario's controls instead of the scenario itself. */
  known?: Known;
}

/** Throws `usage` with file:line:col of what is wrong. */
export function planFrom({ scenario, set, provider, runId, known }: PlanRequest): Planned {
  const overrides = set.map(parseOverride);
  const options = {
    runId: runId ?? newRunId(new Date()),
    host: readHost(),
    ...(provider === undefined ? {} : { provider }),
  };
  const planned =
    known === undefined
      ? planScenario(loadScenario(scenario, overrides), options)
      : planKnown(scenario, overrides, known, options);
  return onOneProvider(planned, options.host);
}
