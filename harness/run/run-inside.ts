/** Starts this program again inside namespaces of the run's own, and is its outer half until it has ended. */
import { CoalmineError } from '../core/errors.ts';
import { isMaskedInside, runInside, type Unfit } from '../providers/inside.ts';
import type { GroundRun, RunOutcome, RunRequest } from './ground.ts';

/** @param unfit the plans that the inner process leaves out; it asks nothing again */
export async function runAgainInside(
  { request, store, runId }: GroundRun,
  unfit: Unfit,
): Promise<RunOutcome> {
  request.interruption.hush();
  const exitCode = await runInside({
    runId,
    cacheDir: store.cache.root,
    say: request.say,
    unfit,
    onInterrupt: (listener) => request.interruption.subscribe(listener),
  });
  return { exitCode, text: '' };
}

/**
 * What a run in namespaces cannot do: outlive itself, and write to what they mask.
 *
 * @param keeper what a user would need to have for `--keep`, as it reads in a sentence
 */
export function demandInsideFits({ keep, reportsDir }: RunRequest, keeper: string): void {
  if (keep !== 'never') {
    throw new CoalmineError('usage', `--keep needs ${keeper}`, {
      wayOut: 'Leave --keep out: logs and samples are in the run directory.',
    });
  }
  if (!isMaskedInside(reportsDir)) return;
  throw new CoalmineError(
    'preflight',
    `reports in ${reportsDir} would be lost: a run in namespaces of its own has a folder of its own there`,
    { wayOut: 'Name another place with --reports DIR.' },
  );
}
