/** Runs the cells of a scenario one after the other and writes the reports of each, and of the whole where there are many. */
import { messageOf } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import type { MatrixResult, RunResult } from '../core/result.ts';
import type { Provider } from '../providers/provider.ts';
import { describeEnvironment } from '../record/environment.ts';
import { createRunDirectory } from '../record/run-directory.ts';
import { appendStepSummary } from '../report/write-reports.ts';
import { checkRun, textOf } from './check.ts';
import { isToKeep } from './keep.ts';
import { openMatrixReport } from './matrix-report.ts';
import { coalmineVersion, PACKAGE_ROOT } from './package.ts';
import type { Planned } from './plan.ts';
import { startProgress } from './progress.ts';
import { runCell } from './run-cell.ts';
import type { RunRequest } from './ground.ts';

export interface CellsRequest extends Pick<
  RunRequest,
  'reportsDir' | 'keep' | 'interruption' | 'say' | 'terminal'
> {
  readonly planned: Planned;
  readonly provider: Provider;
  readonly runId: string;
  /** Called for each run whose cluster stays, so that nobody cleans it away. */
  readonly onKept?: (runId: string) => void;
}

export async function runCells(
  request: CellsRequest,
): Promise<{ document: RunResult | MatrixResult; text: string }> {
  const { planned, say } = request;
  const [only] = planned.plans;
  // A control is judged by what is stated about it, which only a result over cells can say.
  const isMatrix =
    planned.plans.length + planned.skipped.length !== 1 || only?.expects !== undefined;
  const ended =
    only === undefined || isMatrix ? await runMatrix(request) : await runAlone(only, request);
  summarize(ended.document, say);
  return ended;
}

async function runAlone(plan: Plan, request: CellsRequest) {
  const document = await runAndJudge(plan, request);
  return { document, text: textOf(document) };
}

async function runMatrix({ planned, runId, ...request }: CellsRequest) {
  const { interruption, say } = request;
  const scenario = (planned.plans[0] ?? planned.skipped[0])?.scenario ?? '';
  const folder = `${scenario}-${runId}`;
  const report = openMatrixReport(planned, { ...request, folder });
  const texts: string[] = [];
  for (const plan of planned.plans) {
    if (interruption.signal.aborted) break;
    say(`cell ${plan.cell}`);
    try {
      const document = await runAndJudge(plan, request, report.folderOf(plan));
      texts.push(textOf(document));
      report.ended(plan, { document });
    } catch (error) {
      // One cell that coalmine itself breaks in says nothing about the others.
      say(`cell ${plan.cell}: ${error instanceof Error ? (error.stack ?? '') : messageOf(error)}`);
      report.ended(plan, { crash: error });
    }
  }
  const document = report.close(interruption.caught());
  return { document, text: [...texts, textOf(document)].join('\n') };
}

async function runAndJudge(
  plan: Plan,
  request: Omit<CellsRequest, 'planned' | 'runId'>,
  folder?: string,
): Promise<RunResult> {
  const { provider, reportsDir, keep, interruption, terminal } = request;
  const environment = describeEnvironment({
    startedAt: new Date().toISOString(),
    argv: process.argv.slice(2),
    version: coalmineVersion(),
    packageRoot: PACKAGE_ROOT,
  });
  const recorder = createRunDirectory(
    reportsDir,
    plan,
    environment,
    folder === undefined ? {} : { folder, latest: false },
  );
  const progress = startProgress({
    terminal,
    title: plan.cell === '' ? plan.scenario : `${plan.scenario} [${plan.cell}]`,
    write: (text) => {
      process.stderr.write(text);
    },
    columns: () => process.stderr.columns,
  });
  try {
    const { kept } = await runCell(plan, {
      provider,
      recorder,
      progress,
      signal: interruption.signal,
      interrupted: () => interruption.caught(),
      keep: (end) => isToKeep(keep, recorder.dir, end),
    });
    if (kept) request.onKept?.(plan.runId);
  } finally {
    progress.stop();
  }
  request.say(`run directory: ${recorder.dir}`);
  return checkRun(recorder.dir, { reports: !interruption.impatient.aborted });
}

/** In a GitHub job the summary page shows the result; elsewhere nothing happens. */
function summarize(result: RunResult | MatrixResult, say: (line: string) => void): void {
  const file = process.env['GITHUB_STEP_SUMMARY'];
  if (file === undefined || file === '') return;
  for (const line of appendStepSummary(file, result).errors) say(line);
}
