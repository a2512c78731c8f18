import assert from 'node:assert/strict';
import {
  crashedCell,
  judgedCell,
  matrixResult,
  notRunCell,
  skippedCell,
} from '../../../harness/report/matrix-result.ts';
import { resultOf } from '../../support/result.ts';

describe('the result of a matrix', () => {
  const passed = judgedCell(resultOf({ cell: 'a=1' }), 'cells/a=1');
  const of = (...cells: Parameters<typeof matrixResult>[1]) => {
    const { verdict, exitCode } = matrixResult('example', cells);
    return [verdict, exitCode];
  };

  it('is not decided by a cell that cannot run, and is nothing where none can', () => {
    const skipped = skippedCell({ scenario: 'example', cell: 'a=2' }, 'no ip_vs');
    assert.deepEqual(of(passed, skipped), ['pass', 0]);
    assert.equal(of(skipped)[1], 3);
  });

  it('never passes where a cell was not run, or fell', () => {
    const place = { scenario: 'example', cell: 'a=2', folder: 'cells/a=2' };
    assert.deepEqual(of(passed, notRunCell(place)), ['inconclusive', 3]);
    assert.deepEqual(of(passed, notRunCell(place, 'SIGTERM')), ['inconclusive', 143]);
    assert.deepEqual(of(passed, notRunCell(place, 'SIGINT')), ['inconclusive', 130]);
    assert.deepEqual(of(passed, crashedCell(place, 'why')), ['inconclusive', 6]);
  });
});
