/** The few phrases that every report has in common. */
import type { Finding } from '../core/finding.ts';
import type { MatrixResult, RunResult } from '../core/result.ts';
import type { Verdict } from '../core/verdict.ts';

/** `example` or `example [proxyMode=nftables]`: stable over runs, holds no measured number. */
export function titleOf({ scenario, cell }: { scenario: string; cell: string }): string {
  return cell === '' ? scenario : `${scenario} [${cell}]`;
}

export function versionsOf({ plan }: Pick<RunResult, 'plan'>): [string, string][] {
  const upgrades = plan.phases.flatMap(({ name, upgrade }): [string, string][] =>
    upgrade === undefined ? [] : [[`upgrade in ${name}`, `${upgrade.component} ${upgrade.to}`]],
  );
  return [
    ['provider', plan.provider],
    ['proxyMode', plan.proxyMode],
    ...Object.entries(plan.components),
    ...upgrades,
  ];
}

/** `3 cells`, `4 controls`. */
export function countCells({ cells }: MatrixResult): string {
  const isControls = cells.some(({ expects }) => expects !== undefined);
  return `${cells.length} ${isControls ? 'controls' : 'cells'}`;
}

/** What a person does next; the full story is in verdict.json. */
export function explainExit(exitCode: number): string {
  return EXIT_WORDS[exitCode] ?? EXIT_WORDS[6] ?? '';
}

const EXIT_WORDS: Readonly<Record<number, string>> = {
  0: 'pass',
  1: 'a check failed',
  2: 'wrong usage or a bad scenario; nothing was touched',
  3: 'inconclusive: not enough evidence for a verdict',
  4: 'provisioning failed, or what the run stood on gave way',
  5: 'something is left on the target; `coalmine clean` removes it',
  6: 'internal error in the harness',
  130: 'interrupted by SIGINT; everything was undone',
  143: 'interrupted by SIGTERM; everything was undone',
};

function byVerdict<F extends Pick<Finding, 'verdict'>>(
  findings: readonly F[],
  verdict: Verdict,
): F[] {
  return findings.filter((finding) => finding.verdict === verdict);
}

/** `1 failed, 2 inconclusive, 9 passed`; what there is none of is left out. */
export function tally(findings: readonly Pick<Finding, 'verdict'>[]): string {
  const parts = [
    [byVerdict(findings, 'fail').length, 'failed'],
    [byVerdict(findings, 'inconclusive').length, 'inconclusive'],
    [byVerdict(findings, 'pass').length, 'passed'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(', ');
}
