import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createTally } from '../../../../harness/load/generator/tally.ts';
import { parseLoadLine } from '../../../../harness/load/lines.ts';

const step = fc.constantFrom('ok', 'timeout', 'answered error', 'silent error', 'take');

describe('tally', () => {
  it('makes lines that the controller takes, whose sums are the total', () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const tally = createTally(0);
        const lines = [];
        for (const each of [...steps, 'take']) {
          if (each === 'ok') tally.ok(1.23456);
          else if (each === 'timeout') tally.timeout(5_000);
          else if (each === 'answered error') tally.error('SERVFAIL', 2);
          else if (each === 'silent error') tally.error('ECONNREFUSED');
          else lines.push(tally.take(lines.length + 1, 0));
        }
        for (const line of lines) assert.deepEqual(parseLoadLine(JSON.stringify(line)), line);
        assert.equal(
          lines.reduce((sum, line) => sum + line.sent, 0),
          steps.filter((each) => each !== 'take').length,
        );
        assert.equal(tally.total.sent, steps.filter((each) => each !== 'take').length);
      }),
    );
  });

  it('keeps hundredths of a millisecond, and tells stalls above 200 ms and what was skipped', () => {
    const tally = createTally(0);
    tally.ok(1.23456);
    tally.skip(3);
    const first = tally.take(1_000, 250.4);
    assert.deepEqual([first.latenciesMs, first.stallMs, first.skipped], [[1.23], 250, 3]);
    const second = tally.take(2_000, 150);
    assert.ok(!('stallMs' in second) && !('skipped' in second));
    assert.equal(second.fromWallMs, 1_000);
  });
});
