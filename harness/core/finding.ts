/** What a checker says about a history. */
import type { Verdict } from './verdict.ts';

export interface Finding {
  /** The checker's name as in the scenario's `checks`; stable, holds no measured number. */
  checker: string;
  verdict: Verdict;
  /** One sentence for a person at three in the morning: what, where, how much, against which limit. */
  summary: string;
  /** How much was judged, for example `{ lookups: 12840, timeouts: 0 }`. Too little makes the finding inconclusive. */
  evidence: Record<string, number | string>;
  /** The worst instances by name, at most 20. */
  details: string[];
}
