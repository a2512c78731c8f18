/** A judged result for tests of what is made of it. */
import type { JudgedFinding, RunResult } from '../../harness/core/result.ts';
import { environmentOf, planOf } from './history.ts';

export function findingOf(changes: Partial<JudgedFinding> = {}): JudgedFinding {
  return {
    checker: 'dns',
    verdict: 'pass',
    summary: '0 of 12000 lookups were lost',
    evidence: { lookups: 12_000 },
    details: [],
    params: { lossMax: 0.001 },
    ...changes,
  };
}

export function resultOf(changes: Partial<RunResult> = {}): RunResult {
  const plan = planOf({ cell: changes.cell ?? '' });
  return {
    version: 1,
    kind: 'run',
    runId: plan.runId,
    scenario: plan.scenario,
    cell: '',
    verdict: 'pass',
    dirty: false,
    left: [],
    state: 'ended',
    stateDetail: '',
    exitCode: 0,
    startedAt: '2026-11-22T12:00:00.000Z',
    durationMs: 91_234,
    findings: [findingOf()],
    phases: [{ name: 'baseline', fromMs: 0, toMs: 20_000 }],
    reported: [],
    notes: [],
    plan,
    environment: environmentOf(),
    ...changes,
  };
}

const HOSTILE = '\u001b[31m<b>&"\' ]]> | `x` [a](http://b) \u0000\ud800\nnext';

export const FAILED = resultOf({
  verdict: 'fail',
  exitCode: 5,
  dirty: true,
  left: ['w1: the undo of freeze (f1) is not confirmed'],
  findings: [
    findingOf({
      checker: 'drop-count',
      verdict: 'fail',
      summary: 'w1: 37 drops',
      details: ['w1: 37 drops', HOSTILE],
    }),
    findingOf({ verdict: 'inconclusive', summary: 'only 3 lookups were judged' }),
    findingOf({ checker: 'node-ready' }),
  ],
});
