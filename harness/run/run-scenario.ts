/**
 * `coalmine run`: plans, and hands the plans to the ground that their provider stands on. Inside a run's own namespaces
 * the same program comes here again, plans the same, and carries the cells out.
 */
import { createStore } from '../components/store.ts';
import { CoalmineError } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import { enterInside, isInside } from '../providers/inside.ts';
import { demandReportsFolder } from '../record/reports-folder.ts';
import { withoutUnfit } from './fit-plans.ts';
import type { RunOutcome, RunRequest } from './ground.ts';
import { groundOf } from './grounds.ts';
import { planFrom } from './plan-from.ts';
import type { Planned } from './plan.ts';
import { newRunId } from './run-id.ts';

/** Throws `usage`, `preflight` or `component` before anything is touched. */
export async function runScenario(request: RunRequest): Promise<RunOutcome> {
  const inside = isInside() ? await enterInside() : undefined;
  const runId = inside?.runId ?? newRunId(new Date());
  const planned = planFrom({ ...request, runId });
  const ground = groundOf(demandProvider(planned));
  const store = createStore({ offline: request.offline || inside !== undefined });
  const run = { request, planned, store, runId };
  if (inside !== undefined)
    return ground.runInside({ ...run, planned: withoutUnfit(planned, inside.unfit) });
  demandReportsFolder(request.reportsDir);
  return ground.runOutside(run);
}

/** Of all plans: they are of one provider (one-provider.ts). */
function demandProvider({ plans, skipped }: Planned): Plan['provider'] {
  const [plan] = plans;
  if (plan !== undefined) return plan.provider;
  const reasons = skipped.map(({ cell, because }) => `${cell === '' ? '' : `${cell}: `}${because}`);
  throw new CoalmineError(
    'preflight',
    `no provider can serve this scenario: ${reasons.join('\n')}`,
    {
      wayOut: '`coalmine plan` shows what each provider refuses, and why.',
    },
  );
}
