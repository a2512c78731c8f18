/**
 * Writes the reports of a run into its directory. A report that cannot be made never hides the verdict or another report:
 * it is remembered and handed back, for the caller to say aloud.
 */
import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { MatrixResult, RunResult } from '../core/result.ts';
import { junitXml, type JunitCell } from './junit.ts';
import { matrixMarkdown, runMarkdown } from './markdown.ts';

export interface Written {
  /** Paths of what was written. */
  files: string[];
  /** One sentence for each report that could not be written. */
  errors: string[];
}

interface Report {
  file: string;
  render: () => string;
}

export function writeRunReports(dir: string, result: RunResult): Written {
  return writeAll(dir, [
    { file: 'verdict.json', render: () => json(result) },
    { file: 'junit.xml', render: () => junitXml([{ result }]) },
    { file: 'summary.md', render: () => runMarkdown(result) },
  ]);
}

/** Over `cells/`: `judged` holds the results of the cells that were judged. */
export function writeMatrixReports(
  dir: string,
  matrix: MatrixResult,
  judged: readonly RunResult[],
): Written {
  const cells = matrix.cells.map((cell): JunitCell => {
    const result = judged.find((one) => one.cell === cell.cell);
    return cell.outcome === 'judged' && result !== undefined ? { result } : { unjudged: cell };
  });
  return writeAll(dir, [
    { file: 'verdict.json', render: () => json(matrix) },
    { file: 'junit.xml', render: () => junitXml(cells) },
    { file: 'summary.md', render: () => matrixMarkdown(matrix) },
  ]);
}

export function writeAll(dir: string, reports: readonly Report[]): Written {
  const written: Written = { files: [], errors: [] };
  for (const { file, render } of reports) {
    const target = path.join(dir, file);
    try {
      writeWhole(target, render());
      written.files.push(target);
    } catch (error) {
      written.errors.push(`${target} could not be written: ${messageOf(error)}`);
    }
  }
  return written;
}

/** All that went wrong as one sentence: on a full disk it is the same thing each time. Undefined where nothing did. */
export function inOne({ errors }: Pick<Written, 'errors'>): string | undefined {
  const [first] = errors;
  return first === undefined || errors.length === 1
    ? first
    : `${first} (and ${errors.length - 1} more)`;
}

/** Appends to the file that $GITHUB_STEP_SUMMARY names; other jobs' lines in it stay. */
export function appendStepSummary(file: string, result: RunResult | MatrixResult): Written {
  try {
    appendFileSync(file, result.kind === 'run' ? runMarkdown(result) : matrixMarkdown(result));
    return { files: [file], errors: [] };
  } catch (error) {
    return { files: [], errors: [`${file} could not be written: ${messageOf(error)}`] };
  }
}

/** A reader sees the old report or the new one, never half of one. */
function writeWhole(target: string, content: string): void {
  const temporary = `${target}.new`;
  try {
    writeFileSync(temporary, content);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
