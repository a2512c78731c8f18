/** Runs the cells of a scenario one after the other and writes the reports of each, and of the whole where there are many. */
import path from 'node:path';
import type { Plan } from '../core/plan.ts';
import type { MatrixResult, RunResult } from '../core/result.ts';
import type { Provider } from '../providers/provider.ts';
import { describeEnvironment } from '../record/environment.ts';
import { linkLatest } from '../record/latest.ts';
import { cellFolder } from '../record/layout.ts';
import { makeFolders } from '../record/reports-folder.ts';
import { createRunDirectory } from '../record/run-directory.ts';
import { interruptedCell, judgedCell, matrixResult, skippedCell } from '../report/matrix-result.ts';
import { appendStepSummary, writeMatrixReports } from '../report/write-reports.ts';
import { checkRun, textOf } from './check.ts';
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
}

interface Judged {
  document: RunResult;
  folder: string;
}

export async function runCells(
  request: CellsRequest,
): Promise<{ document: RunResult | MatrixResult; text: string }> {
  const { planned, reportsDir, say } = request;
  const [only] = planned.plans;
  if (only !== undefined && planned.plans.length + planned.skipped.length === 1) {
    const { document } = await runAndJudge(only, request);
    summarize(document, say);
    return { document, text: textOf(document) };
  }
  const scenario = only?.scenario ?? planned.skipped[0]?.scenario ?? '';
  const folder = `${scenario}-${request.runId}`;
  const judged: Judged[] = [];
  makeFolders(path.join(reportsDir, folder, 'cells'));
  linkLatest(path.resolve(reportsDir), folder);
  for (const plan of planned.plans) {
    if (request.interruption.signal.aborted) break;
    say(`cell ${plan.cell}`);
    const below = path.join('cells', cellFolder(plan.cell));
    judged.push(await runAndJudge(plan, request, path.join(folder, below), below));
  }
  const undone = planned.plans.slice(judged.length);
  const matrix = matrixResult(scenario, [
    ...judged.map((one) => judgedCell(one.document, one.folder)),
    ...undone.map(({ cell }) => interruptedCell(scenario, cell, request.interruption.caught())),
    ...planned.skipped.map(({ cell, because }) => skippedCell(scenario, cell, because)),
  ]);
  const { errors } = writeMatrixReports(
    path.join(reportsDir, folder),
    matrix,
    judged.map(({ document }) => document),
  );
  for (const line of errors) say(line);
  summarize(matrix, say);
  return {
    document: matrix,
    text: [...judged.map(({ document }) => textOf(document)), textOf(matrix)].join('\n'),
  };
}

async function runAndJudge(
  plan: Plan,
  request: CellsRequest,
  folder?: string,
  below = '',
): Promise<Judged> {
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
    await runCell(plan, {
      provider,
      recorder,
      progress,
      signal: interruption.signal,
      interrupted: () => interruption.caught(),
      keep: (crashed) => keep === 'always' || (keep === 'on-failure' && crashed),
    });
  } finally {
    progress.stop();
  }
  request.say(`run directory: ${recorder.dir}`);
  const document = checkRun(recorder.dir, { reports: !interruption.impatient.aborted });
  return { document, folder: below };
}

/** In a GitHub job the summary page shows the result; elsewhere nothing happens. */
function summarize(result: RunResult | MatrixResult, say: (line: string) => void): void {
  const file = process.env['GITHUB_STEP_SUMMARY'];
  if (file === undefined || file === '') return;
  for (const line of appendStepSummary(file, result).errors) say(line);
}
