/**
 * `coalmine run`: plans, asks what can be asked beforehand, finds an engine (entering namespaces of its own where the user
 * has none), and runs every cell. Whatever happens, the reports are written and nothing stays behind.
 */
import path from 'node:path';
import { createStore, type Store } from '../components/store.ts';
import { worstExitCode } from '../core/exit-code.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import type { MatrixResult, RunResult } from '../core/result.ts';
import { cleanRun } from '../providers/clean.ts';
import { enterInside, isInside, isMaskedInside, runInside } from '../providers/inside.ts';
import { findEngine } from '../providers/kind/engine-find.ts';
import { dataRootRefusal } from '../providers/kind/engine-preflight.ts';
import { startPrivateEngine } from '../providers/kind/engine-private.ts';
import type { Engine } from '../providers/kind/engine.ts';
import type { KindSettings } from '../providers/kind/settings.ts';
import { createKindProvider } from '../providers/kind/provider.ts';
import { beginRun } from '../providers/run-begin.ts';
import { runFolder } from '../providers/run-state.ts';
import { demandReportsFolder } from '../record/reports-folder.ts';
import { makeAhead, nodeFiles } from './make-ahead.ts';
import { planFrom } from './plan-from.ts';
import type { Planned } from './plan.ts';
import { newRunId } from './run-id.ts';
import { runCells } from './run-cells.ts';

interface Interruption {
  readonly signal: AbortSignal;
  readonly impatient: AbortSignal;
  caught(): 'SIGINT' | 'SIGTERM' | undefined;
  hush(): void;
  subscribe(listener: (signal: 'SIGINT' | 'SIGTERM') => void): () => void;
}

export interface RunRequest {
  scenario: string;
  set: readonly string[];
  provider?: Plan['provider'];
  reportsDir: string;
  keep: 'never' | 'on-failure' | 'always';
  offline: boolean;
  /** Made here, or published by upstream and pulled, perhaps from a mirror. */
  images: KindSettings;
  interruption: Interruption;
  say: (line: string) => void;
  /** Whether stderr is a terminal on which lines may be redrawn. */
  terminal: boolean;
}

export interface RunOutcome {
  exitCode: number;
  /** Absent where the inner process has said everything already. */
  document?: RunResult | MatrixResult;
  text: string;
}

/** Throws `usage`, `preflight` or `component` before anything is touched. */
export async function runScenario(request: RunRequest): Promise<RunOutcome> {
  const inside = isInside() ? await enterInside() : undefined;
  const runId = inside?.runId ?? newRunId(new Date());
  const planned = demandPlans(planFrom({ ...request, runId }));
  const store = createStore({ offline: request.offline || inside !== undefined });
  if (inside !== undefined) return runOnPrivateEngine(request, planned, store, runId);
  const provider = createKindProvider(() =>
    Promise.reject(new Error('nothing is provisioned in preflight')),
  );
  demandReportsFolder(request.reportsDir);
  const choice = await findEngine({ cacheDir: store.cache.root });
  if (choice.kind === 'private') {
    demandPrivateFits(request);
    await demandRoomForImages(store.cache.root);
  }
  for (const plan of planned.plans) await provider.preflight(plan);
  await makeAhead(planned.plans, store, request.images.images, {
    say: request.say,
    signal: request.interruption.signal,
  });
  if (choice.kind === 'user')
    return runOnUserEngine(request, planned, store, { runId, engine: choice.engine });
  request.say(`no Docker engine answers (${choice.because}): starting a private one for this run`);
  request.interruption.hush();
  const exitCode = await runInside({
    runId,
    cacheDir: store.cache.root,
    say: request.say,
    onInterrupt: (listener) => request.interruption.subscribe(listener),
  });
  return { exitCode, text: '' };
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

function demandPlans(planned: Planned): Planned {
  if (planned.plans.length > 0) return planned;
  const reasons = planned.skipped.map(
    ({ cell, because }) => `${cell === '' ? '' : `${cell}: `}${because}`,
  );
  throw new CoalmineError(
    'preflight',
    `no provider can serve this scenario: ${reasons.join('\n')}`,
    {
      wayOut: '`coalmine plan` shows what each provider refuses, and why.',
    },
  );
}

/** What a private engine cannot do: outlive the run, and write to what its namespaces mask. */
function demandPrivateFits({ keep, reportsDir }: RunRequest): void {
  if (keep !== 'never') {
    throw new CoalmineError(
      'usage',
      '--keep needs a Docker engine of your own: a private one ends with the run',
      { wayOut: 'Start Docker, or leave --keep out: logs and samples are in the run directory.' },
    );
  }
  if (!isMaskedInside(reportsDir)) return;
  throw new CoalmineError(
    'preflight',
    `reports in ${reportsDir} would be lost: a run on a private engine has a folder of its own there`,
    { wayOut: 'Name another place with --reports DIR.' },
  );
}

async function runOnPrivateEngine(
  request: RunRequest,
  planned: Planned,
  store: Store,
  runId: string,
): Promise<RunOutcome> {
  const engine = await startPrivateEngine({
    cacheDir: store.cache.root,
    logFile: path.join(runFolder(runId), 'dockerd.log'),
    say: request.say,
    signal: request.interruption.signal,
  });
  try {
    return await runCellsOn(engine, request, planned, store, runId);
  } finally {
    await engine.close();
  }
}

async function runOnUserEngine(
  request: RunRequest,
  planned: Planned,
  store: Store,
  { runId, engine }: { runId: string; engine: Engine },
): Promise<RunOutcome> {
  const cacheDir = store.cache.root;
  for (const plan of planned.plans) await beginRun(cacheDir, plan.runId, engine.env());
  let left: string[] = [];
  let outcome: RunOutcome;
  try {
    outcome = await runCellsOn(engine, request, planned, store, runId);
  } finally {
    if (request.keep === 'never') left = await cleanOwn(planned, cacheDir, request.say);
  }
  return left.length > 0 ? { ...outcome, exitCode: worstExitCode([outcome.exitCode, 5]) } : outcome;
}

/** Says and returns what of the runs is still there. Never throws: it must not hide how the run went. */
async function cleanOwn(
  { plans }: Planned,
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
  request: RunRequest,
  planned: Planned,
  store: Store,
  runId: string,
): Promise<RunOutcome> {
  const files = await nodeFiles(store);
  const parts = {
    engine,
    store,
    goFolder: store.cache.go,
    settings: request.images,
    nodeFiles: files,
  };
  const provider = createKindProvider(() => Promise.resolve(parts));
  const { document, text } = await runCells({ ...request, planned, provider, runId });
  return { exitCode: worstExitCode([document.exitCode]), document, text };
}
