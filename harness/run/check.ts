/** From a run directory to verdict and reports: files in, files out, no cluster. A run that just ended comes here too. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { MatrixResult, RunResult } from '../core/result.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';
import { worstExitCode } from '../core/exit-code.ts';
import type { EventOf, HistoryEvent } from '../core/history.ts';
import { judge } from '../judge/judge.ts';
import { FILES } from '../record/layout.ts';
import { readHistory } from '../record/reader.ts';
import { crashedCell, judgedCell, matrixResult } from '../report/matrix-result.ts';
import { readResult } from '../report/read-result.ts';
import { matrixText, runText, wantsColor } from '../report/terminal.ts';
import {
  inOne,
  writeMatrixReports,
  writeRunReports,
  type Written,
} from '../report/write-reports.ts';

/** Judges a stored run, or each stored cell of a matrix, again and writes the reports. Throws `history`. */
export function check(dir: string): RunResult | MatrixResult {
  if (hasBegun(dir) || !existsSync(path.join(dir, 'verdict.json'))) return checkRun(dir);
  const before = readResult(dir);
  if (before.kind === 'run') return checkRun(dir);
  const judged: RunResult[] = [];
  const cells = before.cells.map((cell) => {
    const folder = path.join(dir, cell.folder);
    if (cell.folder === '' || !hasBegun(folder)) return cell;
    try {
      const result = checkRun(folder);
      judged.push(result);
      return judgedCell(result, cell.folder);
    } catch (error) {
      return crashedCell(cell, messageOf(error));
    }
  });
  const matrix = matrixResult(before.scenario, cells);
  insist(writeMatrixReports(dir, matrix, judged));
  return matrix;
}

/** A matrix has no plan of its own; a cell that was killed may have nothing else. */
function hasBegun(dir: string): boolean {
  return existsSync(path.join(dir, FILES.plan));
}

function checkRun(dir: string): RunResult {
  const { result, written } = judgeFiles(dir);
  insist(written);
  return result;
}

/**
 * Judges a run that has just ended; `refused` is one sentence, where a report could not be written. Throws `history`.
 *
 * @param reports false for a user who will not wait for them
 * @param lost what is not in its files
 */
export function judgeEnded(
  dir: string,
  how: { reports: boolean; lost: readonly HistoryEvent[] },
): { result: RunResult; refused: string | undefined } {
  const { result, written } = judgeFiles(dir, how);
  const refused = inOne(written);
  // Whoever reads only the reports must not take their absence for the run's own end.
  const exitCode = worstExitCode([result.exitCode, ...(refused === undefined ? [] : [4])]);
  return { result: { ...result, exitCode }, refused };
}

function judgeFiles(
  dir: string,
  { reports, lost }: Parameters<typeof judgeEnded>[1] = { reports: true, lost: [] },
): { result: RunResult; written: Written } {
  const { history, environment, ...stored } = readHistory(dir);
  const result = judge({ ...history, events: [...history.events, ...lost] }, environment);
  return { result, written: reports ? writeRunReports(stored.dir, result) : NOTHING };
}

const NOTHING: Written = { files: [], errors: [] };

/** What a run would be judged as if it ended with `end`, now. Writes nothing; throws `history`. */
export function judgeSoFar(dir: string, end: EventOf<'run'>): RunResult {
  const { history, environment } = readHistory(dir);
  return judge({ ...history, events: [...history.events, end] }, environment);
}

/** Writes the reports again from verdict.json; returns their paths. */
export function reportRun(dir: string): string[] {
  const result = readResult(dir);
  if (result.kind === 'run') return insist(writeRunReports(dir, result));
  const judged = result.cells
    .filter(({ outcome }) => outcome === 'judged')
    .map(({ folder }) => readResult(`${dir}/${folder}`))
    .filter((cell) => cell.kind === 'run');
  return insist(writeMatrixReports(dir, result, judged));
}

export function textOf(result: RunResult | MatrixResult): string {
  const options = { color: wantsColor(process.stdout, process.env) };
  return result.kind === 'run' ? runText(result, options) : matrixText(result, options);
}

export const CHECK_DISK = 'Check the disk and the rights of the run directory.';

/** A report that cannot be written is an error, after all the others were. */
function insist({ files, errors }: Written): string[] {
  if (errors.length === 0) return files;
  throw new CoalmineError('history', errors.join('\n'), {
    wayOut: CHECK_DISK,
  });
}
