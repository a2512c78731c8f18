/** Nodes that are machines: always inside namespaces of the run's own, with which they end. */
import { worstExitCode } from '../core/exit-code.ts';
import { CoalmineError } from '../core/errors.ts';
import { insideRefusals } from '../providers/inside.ts';
import { createVmProvider } from '../providers/vm/provider.ts';
import { vmParts } from './ahead-vm.ts';
import { fitPlans } from './fit-plans.ts';
import type { Ground, GroundRun, RunOutcome } from './ground.ts';
import { makeAhead } from './make-ahead.ts';
import { runCells } from './run-cells.ts';
import { demandInsideFits, runAgainInside } from './run-inside.ts';

export const vmGround: Ground = { runOutside, runInside };

async function runOutside(run: GroundRun): Promise<RunOutcome> {
  const { request, store } = run;
  demandInsideFits(request, 'another provider: machines end with the namespaces of their run');
  await demandNamespaces(store.cache.root);
  const provider = createVmProvider(() =>
    Promise.reject(new Error('nothing is provisioned in preflight')),
  );
  const { planned, unfit } = await fitPlans(run.planned, (plan) => provider.preflight(plan));
  await makeAhead(planned.plans, store, request.images.images, {
    say: request.say,
    signal: request.interruption.signal,
  });
  return runAgainInside(run, unfit);
}

async function demandNamespaces(cacheDir: string): Promise<void> {
  const refusals = await insideRefusals(cacheDir);
  if (refusals.length === 0) return;
  throw new CoalmineError(
    'preflight',
    `machines need namespaces of their own: ${refusals.join('; ')}`,
    { wayOut: '`coalmine doctor` shows what this machine can do.' },
  );
}

async function runInside({ request, planned, store, runId }: GroundRun): Promise<RunOutcome> {
  const provider = createVmProvider(() => vmParts(store));
  const { document, text } = await runCells({ ...request, planned, provider, runId });
  return { exitCode: worstExitCode([document.exitCode]), document, text };
}
