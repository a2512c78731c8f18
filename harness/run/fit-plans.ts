/**
 * What this machine cannot serve of a matrix, asked before anything is touched: such a cell is skipped with its reason, and
 * the others run. Only where no cell is left is it an error.
 */
import { CoalmineError, hasCode } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import type { Unfit } from '../providers/inside.ts';
import type { Planned } from './plan.ts';

export interface Fitted {
  readonly planned: Planned;
  /** For the inner process, which must leave out the same cells and may not see what was seen here. */
  readonly unfit: Unfit;
}

/** Throws the provider's own `preflight` error where no plan is left, with the reason of every cell. */
export async function fitPlans(
  planned: Planned,
  preflight: (plan: Plan) => Promise<void>,
): Promise<Fitted> {
  const unfit: Record<string, string> = {};
  const refusals: CoalmineError[] = [];
  for (const plan of planned.plans) {
    try {
      await preflight(plan);
    } catch (error) {
      if (!hasCode(error, 'preflight')) throw error;
      refusals.push(error);
      unfit[plan.runId] = error.message;
    }
  }
  const fitting = withoutUnfit(planned, unfit);
  const [first] = refusals;
  if (first !== undefined && fitting.plans.length === 0) throw allOf(fitting, first);
  return { planned: fitting, unfit };
}

/** Moves the plans that were found not to fit to the skipped ones. Pure. */
export function withoutUnfit({ plans, skipped }: Planned, unfit: Unfit): Planned {
  const isFit = ({ runId }: Plan): boolean => unfit[runId] === undefined;
  const refused = plans.flatMap(({ runId, scenario, cell, expects }) => {
    const because = unfit[runId];
    return because === undefined
      ? []
      : [{ scenario, cell, because, ...(expects === undefined ? {} : { expects }) }];
  });
  return { plans: plans.filter(isFit), skipped: [...skipped, ...refused] };
}

function allOf({ skipped }: Planned, first: CoalmineError): CoalmineError {
  if (skipped.length === 1) return first;
  const reasons = skipped.map(({ cell, because }) => `${cell}: ${because}`);
  const options = first.wayOut === undefined ? {} : { wayOut: first.wayOut };
  return new CoalmineError('preflight', `no cell can run here: ${reasons.join('; ')}`, options);
}
