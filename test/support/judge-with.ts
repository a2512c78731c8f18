/** Runs one checker on a history, with its parameters as a scenario writes them. */
import type { Finding } from '../../harness/core/finding.ts';
import type { EventOf, History, HistoryEvent } from '../../harness/core/history.ts';
import type { Checker } from '../../harness/judge/checkers/checker.ts';

export function judgeWith<P>(
  checker: Checker<P>,
  history: History,
  params: Record<string, unknown> = {},
): Finding {
  return checker.check(history, checker.params.parse(params));
}

/** One load interval a second from `fromS` to `toS`, each with what `of` gives for it. */
export function loadSeconds(
  fromS: number,
  toS: number,
  base: Pick<EventOf<'load'>, 'load' | 'type' | 'node'>,
  of: (second: number) => Partial<EventOf<'load'>>,
): HistoryEvent[] {
  return Array.from({ length: toS - fromS }, (_, index) => {
    const fromMs = (fromS + index) * 1_000;
    const toMs = fromMs + 1_000;
    const counted = { sent: 0, ok: 0, timeouts: 0, errors: {}, latenciesMs: [] };
    const own = of(fromS + index);
    return { tMs: toMs, kind: 'load', ...base, fromMs, toMs, ...counted, ...own };
  });
}
