/** One result over the cells of a matrix. What was not run is named; it never counts as passed. */
import { exitCodeFor, worstExitCode } from '../core/exit-code.ts';
import type { CellResult, MatrixResult, RunResult } from '../core/result.ts';
import { worst } from '../core/verdict.ts';

export function judgedCell(result: RunResult, folder: string): CellResult {
  const { scenario, cell, verdict, dirty, exitCode, findings } = result;
  const decisive = findings.find((finding) => finding.verdict === verdict);
  const summary =
    verdict === 'pass'
      ? `${findings.length} checks passed`
      : `${decisive?.checker ?? ''}: ${decisive?.summary ?? 'nothing was judged'}`;
  return { scenario, cell, outcome: 'judged', folder, verdict, dirty, exitCode, summary };
}

export function skippedCell(scenario: string, cell: string, because: string): CellResult {
  const nothing = { folder: '', verdict: null, dirty: false, exitCode: 0 };
  return { scenario, cell, outcome: 'skipped', ...nothing, summary: because };
}

type Place = Pick<CellResult, 'scenario' | 'cell' | 'folder'>;

/** A cell that should have run: unlike one that cannot, it leaves the matrix undecided. */
export function notRunCell(place: Place, signal?: 'SIGINT' | 'SIGTERM'): CellResult {
  const verdict = 'inconclusive';
  const exitCode = exitCodeFor({ verdict, dirty: false, signal });
  const summary = signal === undefined ? 'not run to its end' : 'interrupted before it began';
  return { ...place, outcome: 'not-run', verdict, dirty: false, exitCode, summary };
}

/** A cell in which coalmine itself failed, before or after there was a cluster. */
export function crashedCell(place: Place, why: string): CellResult {
  const verdict = 'inconclusive';
  const exitCode = exitCodeFor({ verdict: undefined, dirty: false });
  return { ...place, outcome: 'crashed', verdict, dirty: false, exitCode, summary: why };
}

/** A matrix of which every cell was skipped is inconclusive; a skipped one beside others decides nothing. */
export function matrixResult(scenario: string, cells: readonly CellResult[]): MatrixResult {
  const run = cells.filter(({ outcome }) => outcome !== 'skipped');
  const verdict = worst(run.map((cell) => cell.verdict ?? 'inconclusive'));
  const dirty = cells.some((cell) => cell.dirty);
  const codes = [...run.map(({ exitCode }) => exitCode), exitCodeFor({ verdict, dirty })];
  const exitCode = worstExitCode(codes);
  return { version: 1, kind: 'matrix', scenario, verdict, dirty, exitCode, cells: [...cells] };
}
