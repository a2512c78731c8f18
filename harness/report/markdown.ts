/** summary.md: what a person needs on the page of a CI job ($GITHUB_STEP_SUMMARY), and no more. */
import { formatDuration } from '../core/duration.ts';
import type { JudgedFinding, MatrixResult, RunResult } from '../core/result.ts';
import { controlVerdict } from './control.ts';
import { countCells, explainExit, tally, titleOf, versionsOf } from './words.ts';

export function runMarkdown(result: RunResult): string {
  const { findings, exitCode, dirty, left, durationMs, notes } = result;
  const control = controlVerdict(result);
  const versions = versionsOf(result).map(([name, value]) => `${name} ${value}`);
  return page([
    `# ${verdictWord(result)}: ${inline(titleOf(result))}`,
    `${tally(findings)}. ${versions.map(inline).join(' · ')}. Took ${formatDuration(Math.round(durationMs / 1_000) * 1_000)}, exit code ${exitCode} (${explainExit(exitCode)}).`,
    ...(control === undefined ? [] : [`As a control: ${inline(control.summary)}.`]),
    ...(dirty
      ? ['**Left on the target:**', left.map((text) => `- ${inline(text)}`).join('\n')]
      : []),
    table(
      ['check', 'verdict', 'what was found'],
      findings.map(({ checker, verdict, summary }) => [checker, verdict, summary]),
    ),
    ...findings.filter(({ verdict }) => verdict !== 'pass').map(details),
    ...(notes.length > 0 ? ['Notes:', notes.map((note) => `- ${inline(note)}`).join('\n')] : []),
    `Run \`${inline(result.runId)}\`: judge it again with \`coalmine check\` and its directory.`,
  ]);
}

export function matrixMarkdown(result: MatrixResult): string {
  return page([
    `# ${verdictWord(result)}: ${inline(result.scenario)}, ${countCells(result)}`,
    `Exit code ${result.exitCode} (${explainExit(result.exitCode)}).`,
    table(
      ['cell', 'outcome', 'what was found'],
      result.cells.map(({ cell, outcome, verdict, dirty, summary }) => [
        cell === '' ? '(the only one)' : cell,
        `${outcome === 'judged' ? String(verdict) : outcome}${dirty ? ', dirty' : ''}`,
        summary,
      ]),
    ),
  ]);
}

function verdictWord({ verdict, dirty }: { verdict: string; dirty: boolean }): string {
  return `${verdict.toUpperCase()}${dirty ? ' (DIRTY)' : ''}`;
}

function details({ checker, details: lines, evidence }: JudgedFinding): string {
  const found = lines.map((line) => `- ${inline(line)}`);
  const judged = Object.entries(evidence).map(([key, value]) => `${key} ${value}`);
  return [
    `<details><summary>${checker}</summary>`,
    '',
    ...found,
    '',
    `Evidence: ${inline(judged.join('; '))}`,
    '',
    '</details>',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(inline).join(' | ')} |`;
  return [line(head), `|${head.map(() => ' --- ').join('|')}|`, ...rows.map(line)].join('\n');
}

/** Text from a cluster, as text: it must not start a table cell, an element, a link or a new line. */
function inline(text: string): string {
  return text
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*_[\]|]/g, '\\$&');
}

function page(parts: readonly string[]): string {
  return `${parts.join('\n\n')}\n`;
}
