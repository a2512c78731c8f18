/** What a person sees when a run is over: the verdict, one line a check, and what breaks it. */
import { styleText } from 'node:util';
import { formatDuration } from '../core/duration.ts';
import type { MatrixResult, RunResult } from '../core/result.ts';
import type { Verdict } from '../core/verdict.ts';
import { controlVerdict } from './control.ts';
import { countCells, explainExit, tally, titleOf, versionsOf } from './words.ts';

export interface TerminalOptions {
  color: boolean;
  /** Further lines of each finding that did not pass. */
  detailsMax?: number;
}

/** Colour is for a terminal whose user did not refuse it (no-color.org). */
export function wantsColor(
  stream: { isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

export function runText(result: RunResult, { color, detailsMax = 8 }: TerminalOptions): string {
  const { findings, left, exitCode, durationMs } = result;
  const control = controlVerdict(result);
  const width = Math.max(...findings.map(({ checker }) => checker.length), 0);
  const lines = findings.flatMap(({ checker, verdict, summary, details }) => [
    `  ${mark(verdict, color)} ${checker.padEnd(width)}  ${plain(summary)}`,
    ...(verdict === 'pass' ? [] : details.slice(1, detailsMax)).map(
      (line) => `    ${' '.repeat(WORD_WIDTH + width)}${plain(line)}`,
    ),
  ]);
  const versions = versionsOf(result).map(([name, value]) => `${name} ${value}`);
  return text([
    `${plain(titleOf(result))}: ${verdictText(result, color)} (${tally(findings)})`,
    `  ${plain(versions.join(', '))}; ${formatDuration(Math.round(durationMs / 1_000) * 1_000)}`,
    ...lines,
    ...(left.length > 0
      ? ['  left on the target:', ...left.map((one) => `    ${plain(one)}`)]
      : []),
    `exit ${exitCode}: ${explainExit(exitCode)}`,
    ...(control === undefined ? [] : [`as a control: ${plain(control.summary)}`]),
  ]);
}

export function matrixText(result: MatrixResult, { color }: TerminalOptions): string {
  const width = Math.max(...result.cells.map(({ cell }) => cell.length), 0);
  return text([
    `${plain(result.scenario)}: ${verdictText(result, color)} (${countCells(result)})`,
    ...result.cells.map(({ cell, verdict, outcome, summary }) => {
      const word =
        outcome === 'judged' && verdict !== null
          ? mark(verdict, color)
          : outcome.padEnd(WORD_WIDTH);
      return `  ${word} ${plain(cell).padEnd(width)}  ${plain(summary)}`;
    }),
    `exit ${result.exitCode}: ${explainExit(result.exitCode)}`,
  ]);
}

const WORD_WIDTH = 'inconclusive'.length;
/** wantsColor has decided; styleText must not ask stdout again. */
const DECIDED = { validateStream: false };
const COLORS = { pass: 'green', inconclusive: 'yellow', fail: 'red' } as const;

function mark(verdict: Verdict, color: boolean): string {
  const word = verdict.padEnd(WORD_WIDTH);
  return color ? styleText(COLORS[verdict], word, DECIDED) : word;
}

function verdictText(result: { verdict: Verdict; dirty: boolean }, color: boolean): string {
  const word = `${result.verdict.toUpperCase()}${result.dirty ? ', DIRTY' : ''}`;
  return color
    ? styleText(['bold', result.dirty ? 'red' : COLORS[result.verdict]], word, DECIDED)
    : word;
}

/** Text from a cluster must not steer the terminal. */
function plain(line: string): string {
  return line.replaceAll(/\p{Cc}+/gu, ' ');
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
