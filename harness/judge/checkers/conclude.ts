/** From what a checker collected to its finding: one failure makes it fail, else one gap in the evidence inconclusive. */
import type { Finding } from '../../core/finding.ts';
import { DETAILS_MAX } from '../../core/result.ts';

export interface Collected {
  /** What breaks the invariant, worst first, each a whole sentence. */
  failures: readonly string[];
  /** What is missing for a verdict. */
  gaps: readonly string[];
  /** What is worth reading even when all is well. */
  notes?: readonly string[];
  evidence: Record<string, number | string>;
  /** The summary of a pass. */
  pass: string;
}

export function conclude(checker: string, collected: Collected): Finding {
  const { failures, gaps, notes = [], evidence, pass } = collected;
  const leading = failures.length > 0 ? failures : gaps;
  const more = leading.length > 1 ? ` (and ${leading.length - 1} more)` : '';
  return {
    checker,
    verdict: failures.length > 0 ? 'fail' : gaps.length > 0 ? 'inconclusive' : 'pass',
    summary: leading[0] === undefined ? pass : leading[0] + more,
    evidence,
    details: [...failures, ...gaps, ...notes].slice(0, DETAILS_MAX),
  };
}

/** Milliseconds and ratios as evidence: enough digits to compare, not enough to look exact. */
export function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
