import assert from 'node:assert/strict';
import { exitCodeFor, worstExitCode, type Outcome } from '../../../harness/core/exit-code.ts';

const pass: Outcome = { verdict: 'pass', dirty: false };

describe('exit code', () => {
  const rows: [string, Outcome, number][] = [
    ['pass', pass, 0],
    ['a checker failed', { ...pass, verdict: 'fail' }, 1],
    ['wrong usage', { ...pass, verdict: undefined, stoppedBy: 2 }, 2],
    ['inconclusive', { ...pass, verdict: 'inconclusive' }, 3],
    ['provisioning failed', { ...pass, verdict: undefined, stoppedBy: 4 }, 4],
    ['residue', { ...pass, dirty: true }, 5],
    ['an undo that was not confirmed', { ...pass, stoppedBy: 5 }, 5],
    ['internal error', { ...pass, stoppedBy: 6 }, 6],
    ['nothing judged and nobody says why', { ...pass, verdict: undefined }, 6],
    ['SIGINT', { ...pass, signal: 'SIGINT' }, 130],
    ['SIGTERM', { ...pass, signal: 'SIGTERM' }, 143],
    ['dirty before the signal', { ...pass, dirty: true, signal: 'SIGINT' }, 5],
    ['the signal before an internal error', { ...pass, signal: 'SIGTERM', stoppedBy: 6 }, 143],
    ['an internal error before fail', { verdict: 'fail', dirty: false, stoppedBy: 6 }, 6],
    ['provisioning before fail', { verdict: 'fail', dirty: false, stoppedBy: 4 }, 4],
  ];
  for (const [name, outcome, code] of rows) {
    it(`is ${code} for ${name}`, () => {
      assert.equal(exitCodeFor(outcome), code);
    });
  }

  it('of many cells is the one on which a person must act first', () => {
    assert.equal(worstExitCode([0, 3, 1]), 1);
    assert.equal(worstExitCode([0, 3]), 3);
    assert.equal(worstExitCode([1, 4, 6, 130, 5]), 5);
    assert.equal(worstExitCode([1, 4]), 4);
    assert.equal(worstExitCode([0, 77]), 6);
    assert.equal(worstExitCode([]), 3);
  });
});
