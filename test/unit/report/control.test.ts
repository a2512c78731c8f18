import assert from 'node:assert/strict';
import type { JudgedFinding, RunResult } from '../../../harness/core/result.ts';
import type { Verdict } from '../../../harness/core/verdict.ts';
import { controlVerdict } from '../../../harness/report/control.ts';
import { junitXml } from '../../../harness/report/junit.ts';
import { runMarkdown } from '../../../harness/report/markdown.ts';
import { judgedCell, matrixResult, skippedCell } from '../../../harness/report/matrix-result.ts';
import { matrixText, runText } from '../../../harness/report/terminal.ts';
import { planOf } from '../../support/history.ts';
import { findingOf, resultOf } from '../../support/result.ts';
import { outlineXml } from '../../support/xml-outline.ts';

const EXIT_CODES = { pass: 0, fail: 1, inconclusive: 3 } as const;
const PLAN = { checks: [{ name: 'dns', params: {} }] };

/** A run of a control whose own check came out with `verdict`. */
function control(
  expects: 'pass' | 'fail' | undefined,
  verdict: Verdict,
  changes: Partial<RunResult> = {},
): RunResult {
  const findings: JudgedFinding[] = [findingOf({ verdict, summary: '37 lookups were lost' })];
  const cell = `known=${expects ?? 'no'}`;
  const plan = planOf({ ...PLAN, cell, ...(expects === undefined ? {} : { expects }) });
  return resultOf({
    ...{ cell, verdict, findings, plan, exitCode: EXIT_CODES[verdict] },
    ...changes,
  });
}
const of = (result: RunResult) => {
  const { verdict, exitCode } = judgedCell(result, 'cells/a');
  return [verdict, exitCode];
};

describe('a control', () => {
  it('passes only where it came out as stated', () => {
    assert.deepEqual(of(control('fail', 'fail')), ['pass', 0]);
    assert.deepEqual(of(control('fail', 'pass')), ['fail', 1]);
    assert.deepEqual(of(control('fail', 'inconclusive')), ['inconclusive', 3]);
    assert.deepEqual(of(control('pass', 'pass')), ['pass', 0]);
    assert.deepEqual(of(control('pass', 'fail')), ['fail', 1]);
    assert.deepEqual(of(control('pass', 'inconclusive')), ['inconclusive', 3]);
    assert.equal(controlVerdict(control(undefined, 'fail')), undefined);
  });

  it('is not proved bad by a check that every run has: the versions must fail, not the cluster', () => {
    const findings = [
      findingOf(),
      findingOf({ checker: 'upgrade-done', verdict: 'fail', summary: 'it did not come up' }),
    ];
    assert.deepEqual(of(control('fail', 'fail', { findings })), ['inconclusive', 3]);
  });

  it('proves nothing where it did not end, and hides nothing that needs a person', () => {
    const interrupted = { state: 'interrupted', exitCode: 130 } as const;
    assert.deepEqual(of(control('fail', 'fail', interrupted)), ['inconclusive', 130]);
    assert.deepEqual(of(control('fail', 'fail', { dirty: true, exitCode: 5 })), ['pass', 5]);
  });

  it('decides a matrix: all as stated, or not', () => {
    const bad = judgedCell(control('fail', 'fail'), 'cells/bad');
    const good = judgedCell(control('pass', 'pass'), 'cells/good');
    const missing = skippedCell({ scenario: 'example', cell: 'a', expects: 'fail' }, 'no ip_vs');
    const resultsOf = (...cells: Parameters<typeof matrixResult>[1]) => {
      const { verdict, exitCode } = matrixResult('example', cells);
      return [verdict, exitCode];
    };
    assert.deepEqual(resultsOf(bad, good), ['pass', 0]);
    assert.deepEqual(resultsOf(bad, good, missing), ['inconclusive', 3]);
    const missed = judgedCell(control('fail', 'pass'), 'cells/missed');
    assert.deepEqual(resultsOf(bad, good, missed), ['fail', 1]);
    const text = matrixText(matrixResult('example', [bad, good]), { color: false });
    assert.match(text, /^example: PASS \(2 controls\)\n/);
    assert.match(text, /pass +known=fail +known bad, and it failed; dns: 37 lookups were lost\n/);
  });

  it('is one test case, green where it came out as stated', () => {
    const casesOf = (result: RunResult) =>
      outlineXml(junitXml([{ result }]))
        .children[0]?.children.filter(({ name }) => name === 'testcase')
        .map(({ attributes, children }) => [attributes['name'], children[0]?.name]);
    const CLEAN = ['left-nothing-behind', undefined];
    const stated = (kind: string) => [['came-out-as-stated', kind], CLEAN];
    assert.deepEqual(casesOf(control('fail', 'fail')), stated('system-out'));
    assert.deepEqual(casesOf(control('fail', 'pass')), stated('failure'));
    assert.deepEqual(casesOf(control('fail', 'inconclusive')), stated('error'));
    const missing = skippedCell({ scenario: 'example', cell: 'a', expects: 'fail' }, 'no ip_vs');
    const root = outlineXml(junitXml([{ unjudged: missing }]));
    assert.deepEqual([root.attributes['errors'], root.attributes['skipped']], ['1', '0']);
  });

  it('is told beside what the run showed', () => {
    const result = control('fail', 'fail');
    assert.match(runText(result, { color: false }), /: FAIL [^]*as a control: known bad, and it/);
    assert.match(runMarkdown(result), /As a control: known bad, and it failed; dns: 37/);
  });
});
