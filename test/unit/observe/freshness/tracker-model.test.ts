/** The fold of wanted changes and readings against brute force, and planted entries at random times. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { FreshnessEvent } from '../../../../harness/observe/freshness/age.ts';
import { createTracker } from '../../../../harness/observe/freshness/tracker.ts';
import { A, B, fronts, rules, story } from '../../../support/freshness-story.ts';

/** A random walk: each step lets time pass, then changes what is wanted, or the kernel, or reads. */
const steps = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 1, max: 300 }),
    what: fc.constantFrom('want', 'kernel', 'follow', 'read', 'read', 'fail'),
    set: fc.subarray([A, B]),
  }),
  { maxLength: 60 },
);

describe('freshness: the tracker against brute force', () => {
  it('after every reading, just what differs and was surely read after the change is open', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 10, 100), (walk, errorMs) => {
        const events: FreshnessEvent[] = [];
        const tracker = createTracker('n1', (event) => events.push(event));
        let tMs = 0;
        let want = [A, B];
        let kernel: readonly string[] = [A, B];
        const changedMs = new Map<string, number>();
        tracker.wanted(tMs, 'default/a', fronts(...want));
        tMs += 1_000;
        tracker.reading({ tMs, errorMs, rules: rules(...kernel) });
        for (const { afterMs, what, set } of walk) {
          tMs += afterMs;
          if (what === 'want') {
            for (const one of [A, B])
              if (want.includes(one) !== set.includes(one)) changedMs.set(one, tMs);
            want = set;
            tracker.wanted(tMs, 'default/a', fronts(...set));
          } else if (what === 'kernel') kernel = set;
          else if (what === 'follow') kernel = want;
          else if (what === 'fail') tracker.reading({ tMs, errorMs, rules: undefined });
          else {
            tracker.reading({ tMs, errorMs, rules: rules(...kernel) });
            const sure = [A, B].filter(
              (one) =>
                want.includes(one) !== kernel.includes(one) &&
                (changedMs.get(one) ?? -1) < tMs - errorMs,
            );
            assert.equal(tracker.live().open, sure.length);
          }
        }
        tracker.stop(tMs);
        for (const event of events) {
          if (event.kind === 'rule-settled') assert.ok(event.tookMs >= 0);
          else assert.ok((event.untilMs ?? event.tMs) >= event.sinceMs);
        }
        assert.equal(tracker.live().open, 0);
      }),
      { numRuns: 500 },
    );
  });

  it('episodes of one entry never overlap', () => {
    fc.assert(
      fc.property(steps, (walk) => {
        const events: FreshnessEvent[] = [];
        const tracker = createTracker('n1', (event) => events.push(event));
        tracker.wanted(0, 'default/a', fronts(A, B));
        let tMs = 0;
        for (const { afterMs, what, set } of walk) {
          tMs += afterMs;
          if (what === 'want') tracker.wanted(tMs, 'default/a', fronts(...set));
          else
            tracker.reading({
              tMs,
              errorMs: 5,
              rules: what === 'fail' ? undefined : rules(...set),
            });
        }
        tracker.stop(tMs);
        for (const endpoint of [A, B]) {
          const own = events.filter(
            (event) => event.kind === 'rule-episode' && event.endpoint === endpoint,
          );
          const spans = own.map((event) => (event.kind === 'rule-episode' ? event : assert.fail()));
          for (const [index, { sinceMs }] of spans.entries())
            assert.ok(index === 0 || sinceMs >= (spans[index - 1]?.untilMs ?? Infinity));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('dates 300 planted stale entries to within one sample period', () => {
    const periodMs = 200;
    const offset = fc.integer({ min: 1, max: periodMs });
    const lasts = fc.integer({ min: 2 * periodMs + 1, max: 5_000 });
    fc.assert(
      fc.property(offset, lasts, fc.boolean(), (offsetMs, lastsMs, isForeign) => {
        const { events, want, read } = story(0);
        const plantedMs = 400 + offsetMs;
        const goneMs = plantedMs + lastsMs;
        const C = '10.244.3.1:8080';
        if (!isForeign) want(plantedMs, A);
        for (let tMs = 600; tMs < goneMs + 2 * periodMs; tMs += periodMs) {
          const isIn = tMs > plantedMs && tMs <= goneMs;
          read(
            tMs,
            A,
            ...(isForeign || tMs <= goneMs ? [B] : []),
            ...(isForeign && isIn ? [C] : []),
          );
        }
        const found = events.filter((event) => event.kind === 'rule-episode');
        assert.equal(found.length, 1);
        const { sinceMs, untilMs } = found[0] ?? assert.fail();
        const age = (untilMs ?? 0) - sinceMs;
        assert.ok(Math.abs(age - lastsMs) <= periodMs, `${age} for ${lastsMs}`);
        if (!isForeign) assert.equal(sinceMs, plantedMs);
      }),
      { numRuns: 300 },
    );
  });
});
