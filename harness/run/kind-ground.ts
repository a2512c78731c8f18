/**
 * Nodes in containers: on the user's engine where one answers, else on a private one inside namespaces of the run's own.
 */
import path from 'node:path';
import { worstExitCode } from '../core/exit-code.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import { cleanRun } from '../providers/clean.ts';
import { findEngine } from '../providers/kind/engine-find.ts';
import { dataRootRefusal } from '../providers/kind/engine-preflight.ts';
import { startPrivateEngine } from '../providers/kind/engine-private.ts';
import type { Engine } from '../providers/kind/engine.ts';
import { createKindProvider } from '../providers/kind/provider.ts';
import { beginRun } from '../providers/run-begin.ts';
import { runFolder } from '../providers/run-state.ts';
import { fitPlans } from './fit-plans.ts';
import type { Ground, GroundRun, RunOutcome } from './ground.ts';
import { makeAhead } from './make-ahead.ts';
import { nodeFiles } from './node-files.ts';
import { runCells } from './run-cells.ts';
import { demandInsideFits, runAgainInside } from './run-inside.ts';

export const kindGround: Ground = { runOutside, runInside };

async function runOutside(run: GroundRun): Promise<RunOutcome> {
  const { request, store } = run;
  const provider = createKindProvider(() =>
    Promise.reject(new Error('nothing is provisioned in preflight')),
  );
  const choice = await findEngine({ cacheDir: store.cache.root });
  if (choice.kind === 'private') {
    demandInsideFits(
      request,
      'a Docker engine of your own (start Docker): a private one ends with the run',
    );
    await demandRoomForImages(store.cache.root);
  }
  const { planned, unfit } = await fitPlans(run.planned, (plan) => provider.preflight(plan));
  await makeAhead(planned.plans, store, request.images.images, {
    say: request.say,
    signal: request.interruption.signal,
  });
  if (choice.kind === 'user') return runOnUserEngine({ ...run, planned }, choice.engine);
  request.say(`no Docker engine answers (${choice.because}): starting a private one for this run`);
  return runAgainInside(run, unfit);
}

/** The node image, its layers while they are loaded, and what the nodes write. */
const ENGINE_BYTES = 4_000_000_000;

async function demandRoomForImages(cacheDir: string): Promise<void> {
  const refusal = await dataRootRefusal(cacheDir, ENGINE_BYTES);
  if (refusal === undefined) return;
  throw new CoalmineError('preflight', refusal, {
    wayOut: 'Free room there, or set XDG_CACHE_HOME to a folder on a larger disk.',
  });
}

async function runInside(run: GroundRun): Promise<RunOutcome> {
  const { request, store, runId } = run;
  const engine = await startPrivateEngine({
    cacheDir: store.cache.root,
    logFile: path.join(runFolder(runId), 'dockerd.log'),
    say: request.say,
    signal: request.interruption.signal,
  });
  try {
    return await runCellsOn(engine, run);
  } finally {
    await engine.close();
  }
}

async function runOnUserEngine(run: GroundRun, engine: Engine): Promise<RunOutcome> {
  const { request, planned, store } = run;
  const cacheDir = store.cache.root;
  for (const plan of planned.plans) await beginRun(cacheDir, plan.runId, engine.env());
  const kept = new Set<string>();
  const left: string[] = [];
  let outcome: RunOutcome;
  try {
    outcome = await runCellsOn(engine, run, (runId) => kept.add(runId));
  } finally {
    const over = planned.plans.filter(({ runId }) => !kept.has(runId));
    left.push(...(await cleanOwn(over, cacheDir, request.say)));
  }
  return left.length > 0 ? { ...outcome, exitCode: worstExitCode([outcome.exitCode, 5]) } : outcome;
}

/** Says and returns what of the runs is still there. Never throws: it must not hide how the run went. */
async function cleanOwn(
  plans: readonly Plan[],
  cacheDir: string,
  say: (line: string) => void,
): Promise<string[]> {
  const left: string[] = [];
  for (const { runId } of plans) {
    try {
      const { kept } = await cleanRun({ cacheDir, runId, own: true, say });
      left.push(...kept.map(({ leftover, why }) => `${leftover.kind} ${leftover.name}: ${why}`));
    } catch (error) {
      left.push(`cleaning up after ${runId}: ${messageOf(error)}`);
    }
  }
  for (const line of left) say(`still there: ${line}; \`coalmine clean\` tries again`);
  return left;
}

async function runCellsOn(
  engine: Engine,
  run: GroundRun,
  onKept?: (runId: string) => void,
): Promise<RunOutcome> {
  const { request, planned, store, runId } = run;
  const files = await nodeFiles(store);
  const parts = {
    engine,
    store,
    goFolder: store.cache.go,
    settings: request.images,
    nodeFiles: files,
  };
  const provider = createKindProvider(() => Promise.resolve(parts));
  const { document, text } = await runCells({
    ...request,
    planned,
    provider,
    runId,
    ...(onKept === undefined ? {} : { onKept }),
  });
  return { exitCode: worstExitCode([document.exitCode]), document, text };
}
