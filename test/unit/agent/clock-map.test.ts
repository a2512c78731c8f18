/** A node's times on the run clock: never further off than they say, and piecewise where the node's clock jumped. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createClockMap } from '../../../harness/agent/clock-map.ts';

const trip = fc.record({
  pauseMs: fc.integer({ min: 1, max: 2_000 }),
  outMs: fc.integer({ min: 0, max: 500 }),
  backMs: fc.integer({ min: 0, max: 500 }),
});

describe('clock map', () => {
  it('is true to its own error bound, for any latency, offset and drift that is allowed', () => {
    fc.assert(
      fc.property(
        fc.array(trip, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.integer({ min: -400, max: 400 }),
        (trips, offsetMs, driftPpm) => {
          const remote = (runMs: number): number => runMs * (1 + driftPpm / 1e6) + offsetMs;
          const map = createClockMap(0);
          let nowMs = 0;
          for (const { pauseMs, outMs, backMs } of trips) {
            const sentMs = nowMs + pauseMs;
            nowMs = sentMs + outMs + backMs;
            assert.equal(map.learn(sentMs, nowMs, remote(sentMs + outMs)), 0);
            const { tMs, errorMs } = map.toRun(remote(nowMs));
            assert.ok(
              Math.abs(tMs - nowMs) <= errorMs + 1e-3,
              `${tMs} is not ${nowMs} ± ${errorMs}`,
            );
          }
        },
      ),
    );
  });

  it('prefers the narrowest round trip', () => {
    const map = createClockMap(0);
    map.learn(0, 100, 1_050);
    map.learn(1_000, 1_002, 2_001);
    map.learn(2_000, 2_400, 3_010);
    const { tMs, errorMs } = map.toRun(3_000);
    assert.ok(Math.abs(tMs - 2_000) < 1 && errorMs < 2, `${tMs} ± ${errorMs}`);
  });

  it('starts anew when the remote clock stood still, and keeps what it said before', () => {
    const map = createClockMap(0);
    for (let t = 0; t < 10_000; t += 1_000) map.learn(t, t + 2, t + 1);
    // Stopped for 5 s: what was 10 000 here was 10 000 there, and 15 001 here is 10 001 there.
    const jumpMs = map.learn(15_000, 15_002, 10_001);
    assert.ok(Math.abs(jumpMs - 5_000) < 5, `${jumpMs}`);
    assert.ok(Math.abs(map.toRun(9_000).tMs - 9_000) < 5);
    assert.ok(Math.abs(map.toRun(10_500).tMs - 15_500) < 5);
  });

  it('takes a late answer for no jump', () => {
    const map = createClockMap(0);
    map.learn(0, 2, 1);
    assert.equal(map.learn(1_000, 21_000, 20_999), 0);
    assert.ok(Math.abs(map.toRun(21_000).tMs - 21_000) < 20);
  });

  it('follows a clock that was set back', () => {
    const map = createClockMap(1);
    map.learn(0, 2, 3_600_001);
    const jumpMs = map.learn(1_000, 1_002, 1_001);
    assert.ok(Math.abs(jumpMs - 3_600_000) < 5, `${jumpMs}`);
    assert.ok(Math.abs(map.toRun(1_500).tMs - 1_500) < 5);
  });

  it('admits that it knows nothing yet', () => {
    assert.equal(createClockMap(0).toRun(5).errorMs, Infinity);
  });
});
