/** Runs the cells of a scenario one after the other and writes the reports of each, and of the whole where there are many. */
import { adviceOf, hasCode } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import type { MatrixResult, RunResult } from '../core/result.ts';
import type { Provider } from '../providers/provider.ts';
import { describeEnvironment } from '../record/environment.ts';
import { createRunDirectory } from '../record/run-directory.ts';
import { appendStepSummary } from '../report/write-reports.ts';
import { CHECK_DISK, judgeEnded, textOf } from './check.ts';
import { isToKeep } from './keep.ts';
import { openMatrixReport, type MatrixReport } from './matrix-report.ts';
import { coalmineVersion, PACKAGE_ROOT } from './package.ts';
import type { Planned } from './plan.ts';
import { startProgress } from './progress.ts';
import { runCell, type CellEnd } from './run-cell.ts';
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
  const { document } = await runAndJudge(plan, request);
  return { document, text: textOf(document) };
}

async function runMatrix({ planned, runId, ...request }: CellsRequest) {
  const { interruption, say } = request;
  const scenario = (planned.plans[0] ?? planned.skipped[0])?.scenario ?? '';
  const folder = `${scenario}-${runId}`;
  const report = openMatrixReport(planned, { ...request, folder });
  const texts: string[] = [];
  for (const [index, plan] of planned.plans.entries()) {
    if (interruption.signal.aborted) break;
    say(`cell ${index + 1} of ${planned.plans.length}: ${plan.cell}`);
    if (await runOneOf(plan, request, report, texts)) continue;
    if (plan !== planned.plans.at(-1)) say('no further cell is run: its disk would be full, too');
    break;
  }
  const document = report.close(interruption.caught());
  return { document, text: [...texts, textOf(document)].join('\n') };
}

/** Returns whether the next one can be begun. */
async function runOneOf(
  plan: Plan,
  request: CellRequest,
  report: MatrixReport,
  texts: string[],
): Promise<boolean> {
  const { say } = request;
  try {
    const { document, isWritten } = await runAndJudge(plan, request, report.folderOf(plan));
    texts.push(textOf(document));
    const { verdict, summary } = report.ended(plan, { document });
    // A matrix takes hours: whoever looks at it meanwhile wants to know how it stands.
    say(`cell ${plan.cell}: ${verdict ?? ''}; ${summary}`);
    return isWritten;
  } catch (error) {
    const isFull = hasCode(error, 'preflight');
    // One cell that coalmine itself breaks in says nothing about the others.
    const why = error instanceof Error && !isFull ? (error.stack ?? '') : adviceOf(error);
    say(`cell ${plan.cell}: ${why}`);
    report.ended(plan, { crash: error, ...(isFull ? { stoppedBy: 4 } : {}) });
    return !isFull;
  }
}

type CellRequest = Omit<CellsRequest, 'planned' | 'runId'>;

/** Throws `preflight` where its run directory cannot be made. `isWritten`: all that it has to say is on the disk. */
async function runAndJudge(
  plan: Plan,
  request: CellRequest,
  folder?: string,
): Promise<{ document: RunResult; isWritten: boolean }> {
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
  let end: CellEnd;
  try {
    end = await runCell(plan, {
      provider,
      recorder,
      progress,
      signal: interruption.signal,
      interrupted: () => interruption.caught(),
      keep: (end) => isToKeep(keep, recorder.dir, end),
    });
  } finally {
    progress.stop();
  }
  const { kept, lost } = end;
  if (kept) request.onKept?.(plan.runId);
  request.say(`run directory: ${recorder.dir}`);
  const reports = !interruption.impatient.aborted;
  const { result, refused } = judgeEnded(recorder.dir, { reports, lost });
  const isBroken = recorder.broken.aborted;
  if (refused !== undefined)
    request.say(isBroken ? 'its reports could not be written either' : `${refused}\n${CHECK_DISK}`);
  return { document: result, isWritten: !isBroken && refused === undefined };
}

/** In a GitHub job the summary page shows the result; elsewhere nothing happens. */
function summarize(result: RunResult | MatrixResult, say: (line: string) => void): void {
  const file = process.env['GITHUB_STEP_SUMMARY'];
  if (file === undefined || file === '') return;
  for (const line of appendStepSummary(file, result).errors) say(line);
}
