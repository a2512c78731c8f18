import assert from 'node:assert/strict';
import { monotonicMs } from '../../../../harness/core/clock.ts';
import { wrongRate } from '../../../../harness/providers/vm/clock-rate.ts';

const never = new AbortController().signal;
const EVERY_MS = 20;

/** Of a clock that was set wrong by so much and goes so many times as fast; @returns how often it was asked, too */
async function rateOf({ setWrongMs = 0, times = 1, errorMs = 0 }) {
  const fromMs = monotonicMs();
  let asked = 0;
  const behind = () => {
    asked += 1;
    const aheadMs = (monotonicMs() - fromMs) * (times - 1);
    return Promise.resolve({ ms: setWrongMs - aheadMs, errorMs });
  };
  return { rate: await wrongRate({ behind }, never, EVERY_MS), asked };
}

describe('how fast a machine’s clock goes', () => {
  it('is right where it is as far behind afterwards as before', async () => {
    const right = { rate: undefined, asked: 2 };
    assert.deepEqual(await rateOf({ setWrongMs: 86_400_000 }), right);
    assert.deepEqual(await rateOf({ setWrongMs: -300 }), right);
  });

  it('is told where it is too fast or too slow', async () => {
    for (const times of [2, 0.5, 1.05]) {
      const { rate = 1, asked } = await rateOf({ setWrongMs: 1_000, times });
      assert.ok(Math.abs(rate - times) < 0.02, `${rate}`);
      assert.equal(asked, 2);
    }
  });

  it('is told later where answers are uncertain', async () => {
    const { rate = 1, asked } = await rateOf({ times: 2, errorMs: 1.5 * EVERY_MS });
    assert.ok(rate > 1.5, `${rate}`);
    assert.ok(asked > 3, `${asked}`);
  });

  it('is taken for right where it cannot be told', async () => {
    const { rate, asked } = await rateOf({ times: 1.5, errorMs: 100 * EVERY_MS });
    assert.deepEqual([rate, asked], [undefined, 9]);
  });
});
