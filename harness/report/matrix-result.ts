/** One result over the cells of a matrix. What was not run is named; it never counts as passed. */
import { exitCodeFor, worstExitCode } from '../core/exit-code.ts';
import type { CellResult, MatrixResult, RunResult } from '../core/result.ts';
import { worst } from '../core/verdict.ts';
import { controlVerdict } from './control.ts';

export function judgedCell(result: RunResult, folder: string): CellResult {
  const { scenario, cell, verdict, dirty, exitCode, findings } = result;
  const place = { scenario, cell, folder, ...expectsOf(result.plan) };
  const control = controlVerdict(result);
  if (control !== undefined) return { ...place, outcome: 'judged', dirty, ...control };
  const decisive = findings.find((finding) => finding.verdict === verdict);
  const summary =
    verdict === 'pass'
      ? `${findings.length} checks passed`
      : `${decisive?.checker ?? ''}: ${decisive?.summary ?? 'nothing was judged'}`;
  return { ...place, outcome: 'judged', verdict, dirty, exitCode, summary };
}

type Place = Pick<CellResult, 'scenario' | 'cell' | 'folder' | 'expects'>;

function expectsOf({ expects }: Pick<CellResult, 'expects'>): Pick<CellResult, 'expects'> {
  return expects === undefined ? {} : { expects };
}

/** What cannot run decides nothing, unless it is a control: then a part of the proof is missing. */
export function skippedCell(
  { scenario, cell, expects }: Omit<Place, 'folder'>,
  because: string,
): CellResult {
  const place = { scenario, cell, folder: '', ...expectsOf({ expects }) };
  const verdict = expects === undefined ? null : 'inconclusive';
  const exitCode = verdict === null ? 0 : exitCodeFor({ verdict, dirty: false });
  return { ...place, outcome: 'skipped', verdict, dirty: false, exitCode, summary: because };
}

/** A cell that should have run: unlike one that cannot, it leaves the matrix undecided. */
export function notRunCell(place: Place, signal?: 'SIGINT' | 'SIGTERM'): CellResult {
  const verdict = 'inconclusive';
  const exitCode = exitCodeFor({ verdict, dirty: false, signal });
  const summary = signal === undefined ? 'not run to its end' : 'interrupted before it began';
  return { ...place, outcome: 'not-run', verdict, dirty: false, exitCode, summary };
}

/** A cell in which coalmine itself failed, before or after there was a cluster, or whose run directory could not be made. */
export function crashedCell(place: Place, why: string, stoppedBy?: 4): CellResult {
  const verdict = 'inconclusive';
  const exitCode = exitCodeFor({ verdict: undefined, dirty: false, stoppedBy });
  return { ...place, outcome: 'crashed', verdict, dirty: false, exitCode, summary: why };
}

/** A matrix of which every cell was skipped is inconclusive; a skipped one beside others decides nothing. */
export function matrixResult(scenario: string, cells: readonly CellResult[]): MatrixResult {
  const run = cells.filter(
    ({ outcome, expects }) => outcome !== 'skipped' || expects !== undefined,
  );
  const verdict = worst(run.map((cell) => cell.verdict ?? 'inconclusive'));
  const dirty = cells.some((cell) => cell.dirty);
  const codes = [...run.map(({ exitCode }) => exitCode), exitCodeFor({ verdict, dirty })];
  const exitCode = worstExitCode(codes);
  return { version: 1, kind: 'matrix', scenario, verdict, dirty, exitCode, cells: [...cells] };
}
