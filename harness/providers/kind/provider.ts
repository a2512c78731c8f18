/** The kind provider: nodes are containers of a Docker engine, and share this machine's kernel. */
import { CoalmineError } from '../../core/errors.ts';
import type { Plan } from '../../core/plan.ts';
import type { Provider } from '../provider.ts';
import { memoryRefusal } from '../memory.ts';
import { proxyModeRefusal } from './engine-preflight.ts';
import type { KindParts } from './prepare.ts';
import { provisionKind } from './provision.ts';
import { refusals } from './refusals.ts';

/** A control plane with its node, as measured; workers are smaller. */
const CONTROL_PLANE_BYTES = 1_500_000_000;
const WORKER_BYTES = 500_000_000;

/** @param parts asked for when a cluster is to be made: a private engine starts only then */
export function createKindProvider(parts: () => Promise<KindParts>): Provider {
  return {
    name: 'kind',
    refuses: refusals,
    preflight,
    provision: async (context) => provisionKind(await parts(), context),
  };
}

async function preflight(plan: Plan): Promise<void> {
  const needBytes = CONTROL_PLANE_BYTES + (plan.nodes - 1) * WORKER_BYTES;
  const found = [await proxyModeRefusal(plan.proxyMode), await memoryRefusal(needBytes)];
  const reasons = found.filter((reason) => reason !== undefined);
  if (reasons.length === 0) return;
  throw new CoalmineError('preflight', reasons.join('; '), {
    wayOut: 'Choose another proxy mode or fewer nodes, or another provider.',
  });
}
