/** Command line to plans: the pure first half of every command that takes a scenario. */
import type { Plan } from '../core/plan.ts';
import { readHost } from './host.ts';
import { parseOverride } from './overrides.ts';
import { planScenario, type Planned } from './plan.ts';
import { newRunId } from './run-id.ts';
import { loadScenario } from './scenario-file.ts';

export interface PlanRequest {
  scenario: string;
  set: readonly string[];
  provider?: Plan['provider'];
  runId?: string;
}

/** Throws `usage` with file:line:col of what is wrong. */
export function planFrom({ scenario, set, provider, runId }: PlanRequest): Planned {
  const file = loadScenario(scenario, set.map(parseOverride));
  return planScenario(file, {
    runId: runId ?? newRunId(new Date()),
    host: readHost(),
    ...(provider === undefined ? {} : { provider }),
  });
}
