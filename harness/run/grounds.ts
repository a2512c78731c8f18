/** The ground of each provider that there is. */
import { CoalmineError } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import type { Ground } from './ground.ts';
import { kindGround } from './kind-ground.ts';
import { vmGround } from './vm-ground.ts';

const GROUNDS: Readonly<Partial<Record<Plan['provider'], Ground>>> = {
  kind: kindGround,
  vm: vmGround,
};

export function groundOf(provider: Plan['provider']): Ground {
  const ground = GROUNDS[provider];
  if (ground !== undefined) return ground;
  throw new CoalmineError('usage', `there is no provider named ${provider} in this version`);
}
