/**
 * The reports over all cells of a matrix. Written before the first cell and after each: whatever ends this program, the
 * files say what was run, what it showed, and what was not run.
 */
import path from 'node:path';
import { messageOf } from '../core/errors.ts';
import { worstExitCode } from '../core/exit-code.ts';
import type { Plan } from '../core/plan.ts';
import type { CellResult, MatrixResult, RunResult } from '../core/result.ts';
import { linkLatest } from '../record/latest.ts';
import { cellFolder } from '../record/layout.ts';
import { makeFolders, unwritable } from '../record/reports-folder.ts';
import {
  crashedCell,
  judgedCell,
  matrixResult,
  notRunCell,
  skippedCell,
} from '../report/matrix-result.ts';
import { inOne, writeMatrixReports } from '../report/write-reports.ts';
import type { Planned } from './plan.ts';

type Ending = { document: RunResult } | { crash: unknown; stoppedBy?: 4 };

export interface MatrixReport {
  /** Of a cell, below the folder of run directories. */
  folderOf(plan: Plan): string;
  /** Returns the cell as it stands in the reports. */
  ended(plan: Plan, ending: Ending): CellResult;
  /** Writes for the last time; a cell that has not ended was interrupted by `signal`. Reports that are missing then make it 4. */
  close(signal?: 'SIGINT' | 'SIGTERM'): MatrixResult;
}

/** Throws `preflight` where the matrix's own folder cannot be made. */
export function openMatrixReport(
  { plans, skipped }: Planned,
  { reportsDir, folder, say }: { reportsDir: string; folder: string; say: (line: string) => void },
): MatrixReport {
  const scenario = (plans[0] ?? skipped[0])?.scenario ?? '';
  const dir = path.join(reportsDir, folder);
  const endings = new Map<Plan, Ending>();
  let refused: string | undefined;
  const write = (signal?: 'SIGINT' | 'SIGTERM'): MatrixResult => {
    const matrix = matrixResult(scenario, [
      ...plans.map((plan) => cellOf(plan, endings.get(plan), signal)),
      ...skipped.map(({ because, ...place }) => skippedCell(place, because)),
    ]);
    const judged = [...endings.values()].flatMap((one) =>
      'document' in one ? [one.document] : [],
    );
    const before = refused;
    refused = inOne(writeMatrixReports(dir, matrix, judged));
    if (refused !== undefined && refused !== before) say(refused);
    return matrix;
  };
  begin(reportsDir, folder, say);
  write();
  return {
    folderOf: (plan) => path.join(folder, below(plan)),
    ended: (plan, ending) => {
      endings.set(plan, ending);
      write();
      return cellOf(plan, ending);
    },
    close: (signal) => {
      const matrix = write(signal);
      const codes = [matrix.exitCode, ...(refused === undefined ? [] : [4])];
      return { ...matrix, exitCode: worstExitCode(codes) };
    },
  };
}

function begin(reportsDir: string, folder: string, say: (line: string) => void): void {
  try {
    makeFolders(path.join(reportsDir, folder));
  } catch (error) {
    throw unwritable(reportsDir, error);
  }
  try {
    linkLatest(path.resolve(reportsDir), folder);
  } catch (error) {
    say(`${reportsDir}/latest does not point to this run: ${messageOf(error)}`);
  }
}

function cellOf(plan: Plan, ending: Ending | undefined, signal?: 'SIGINT' | 'SIGTERM'): CellResult {
  const { scenario, cell, expects } = plan;
  const control = expects === undefined ? {} : { expects };
  const place = { scenario, cell, folder: below(plan), ...control };
  if (ending === undefined) return notRunCell(place, signal);
  if ('crash' in ending) return crashedCell(place, messageOf(ending.crash), ending.stoppedBy);
  return judgedCell(ending.document, place.folder);
}

function below({ cell }: Plan): string {
  return path.join('cells', cellFolder(cell));
}
