/**
 * The cells of a matrix are compared with each other, which a change of the ground under them would forbid: the first
 * provider that can serve any of them serves them all, and what it cannot is skipped with its reason.
 */
import type { Plan } from '../core/plan.ts';
import type { Host } from './host.ts';
import type { Planned } from './plan.ts';
import { emptyHanded } from './plan-targets.ts';
import { PROVIDER_LIST } from './providers.ts';

export function onOneProvider({ plans, skipped }: Planned, host: Host): Planned {
  const provider = PROVIDER_LIST.find(({ name }) => plans.some((plan) => plan.provider === name));
  if (provider === undefined) return { plans, skipped };
  const { name } = provider;
  const refused = plans.flatMap((plan) => {
    if (plan.provider === name) return [];
    const asked: Plan = { ...plan, provider: name };
    const reasons = [
      ...provider.refuses(asked, host),
      ...emptyHanded(asked, provider.roles(plan.nodes)),
    ];
    const { scenario, cell, expects } = plan;
    const because = `${name}, on which the other cells run: ${reasons.join('; ')}; \`--provider ${plan.provider}\` can serve it`;
    return [{ scenario, cell, because, ...(expects === undefined ? {} : { expects }) }];
  });
  return {
    plans: plans.filter((plan) => plan.provider === name),
    skipped: [...skipped, ...refused],
  };
}
