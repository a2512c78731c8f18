/**
 * A control is a run of versions about which the scenario states how they come out. It has a verdict of its own beside
 * the run's: whether it did. A known bad one that fails has passed as a control.
 */
import type { RunResult } from '../core/result.ts';
import type { Verdict } from '../core/verdict.ts';

export interface ControlVerdict {
  readonly verdict: Verdict;
  readonly exitCode: number;
  readonly summary: string;
}

const EXIT_CODES = { pass: 0, fail: 1, inconclusive: 3 } as const;
const WORDS = { pass: 'passed', fail: 'failed', inconclusive: 'was inconclusive' } as const;

/** Returns undefined for a run that is no control. */
export function controlVerdict(result: RunResult): ControlVerdict | undefined {
  const { expects } = result.plan;
  if (expects === undefined) return undefined;
  const { verdict, because } = compare(result, expects);
  // What a person must act on first (something left, interrupted, no cluster) stays so.
  const isJudged = Object.values(EXIT_CODES).some((code) => code === result.exitCode);
  return {
    verdict,
    exitCode: isJudged ? EXIT_CODES[verdict] : result.exitCode,
    summary: `known ${expects === 'fail' ? 'bad' : 'good'}, ${because}; ${worstOf(result)}`,
  };
}

function compare(
  { verdict, state, findings, plan }: RunResult,
  expects: 'pass' | 'fail',
): { verdict: Verdict; because: string } {
  const word = WORDS[verdict];
  if (state !== 'ended') return { verdict: 'inconclusive', because: `but it was ${state}` };
  // A cluster that did not come up with these versions shows nothing of what the scenario is about.
  const isOwn = findings.some(
    (one) => one.verdict === 'fail' && plan.checks.some(({ name }) => name === one.checker),
  );
  if (expects === 'fail' && verdict === 'fail' && !isOwn)
    return { verdict: 'inconclusive', because: 'but none of the scenario’s own checks failed' };
  if (verdict === expects) return { verdict: 'pass', because: `and it ${word}` };
  return { verdict: verdict === 'inconclusive' ? verdict : 'fail', because: `but it ${word}` };
}

function worstOf({ verdict, findings }: RunResult): string {
  if (verdict === 'pass') return `${findings.length} checks passed`;
  const decisive = findings.find((finding) => finding.verdict === verdict);
  return `${decisive?.checker ?? ''}: ${decisive?.summary ?? 'nothing was judged'}`;
}
