import assert from 'node:assert/strict';
import { wrongRate } from '../../../../harness/providers/vm/clock-rate.ts';

const never = new AbortController().signal;
const FOR_MS = 50;

/** A clock that is behind by so much when it is asked first, and then. */
async function rateOf(beforeMs: number, afterMs: number, errorMs = 0): Promise<number | undefined> {
  const answers = [beforeMs, afterMs];
  const behind = () => Promise.resolve({ ms: answers.shift() ?? 0, errorMs });
  return wrongRate({ behind }, never, FOR_MS);
}

describe('how fast a machine’s clock goes', () => {
  it('is right where it is as far behind afterwards as before', async () => {
    assert.equal(await rateOf(86_400_000, 86_400_000), undefined);
    assert.equal(await rateOf(-300, -300), undefined);
  });

  it('is told where it is too fast or too slow', async () => {
    const fast = (await rateOf(1_000, 1_000 - FOR_MS)) ?? 0;
    assert.ok(fast > 1.5 && fast <= 2, `${fast}`);
    const slow = (await rateOf(1_000, 1_000 + FOR_MS / 2)) ?? 1;
    assert.ok(slow < 0.8 && slow >= 0.5, `${slow}`);
  });

  it('is not told by answers that are too uncertain', async () => {
    assert.equal(await rateOf(0, -FOR_MS / 2, FOR_MS), undefined);
  });
});
