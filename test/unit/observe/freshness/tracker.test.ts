/** The fold of wanted changes and readings: dates of episodes, on planted stories. */
import assert from 'node:assert/strict';
import type { FreshnessEvent } from '../../../../harness/observe/freshness/age.ts';
import { createTracker } from '../../../../harness/observe/freshness/tracker.ts';
import { A, B, fronts, rules, story, VIP } from '../../../support/freshness-story.ts';

const PLACE = { node: 'n1', service: 'default/a', port: 'http/TCP', endpoint: B };

function episode(
  error: 'stale' | 'missing',
  sinceMs: number,
  untilMs: number | null,
  tMs = untilMs ?? 0,
): FreshnessEvent {
  return { tMs, kind: 'rule-episode', ...PLACE, error, sinceMs, untilMs };
}

function settled(change: 'added' | 'removed', tMs: number, tookMs: number): FreshnessEvent {
  const { node, service, endpoint } = PLACE;
  return { tMs, kind: 'rule-settled', node, change, service, endpoint, tookMs };
}

describe('freshness: the age of an entry', () => {
  it('an endpoint taken away at 500 and put back at 5500, with kube-proxy stopped, was stale for exactly that time', () => {
    const { events, want, same, tracker } = story();
    want(500, A);
    for (let tMs = 600; tMs < 5_500; tMs += 200) same(tMs);
    assert.equal(tracker.live().open, 1);
    want(5_500, A, B);
    for (let tMs = 5_600; tMs < 7_000; tMs += 200) same(tMs);
    assert.deepEqual(events, [episode('stale', 500, 5_500)]);
    assert.equal(tracker.live().open, 0);
  });

  it('a change that the kernel follows before the next reading is settled, and no episode', () => {
    const { events, want, read } = story();
    want(500, A);
    read(600, A);
    want(700, A, B);
    read(800, A, B);
    assert.deepEqual(events, [settled('removed', 600, 100), settled('added', 800, 100)]);
  });

  it('a slow change is both: an episode, and settled with all the time it took', () => {
    const { events, want, read, same } = story();
    want(500, A);
    same(600);
    same(800);
    read(1_000, A);
    assert.deepEqual(events, [episode('stale', 500, 1_000), settled('removed', 1_000, 500)]);
  });

  it('a rule lost by somebody else is missing since the reading that showed it, and nothing settles', () => {
    const { events, read } = story();
    read(600, A);
    read(2_600, A, B);
    assert.deepEqual(events, [episode('missing', 600, 2_600)]);
  });

  it('a reading that may lie before the change opens nothing', () => {
    const { events, want, same, read, tracker } = story(50);
    want(590, A);
    same(600);
    same(630);
    assert.equal(tracker.live().open, 0);
    read(800, A);
    assert.deepEqual(events, [settled('removed', 800, 210)]);
  });

  it('a late reading from before a change back is no lost rule', () => {
    const { events, want, read } = story(50);
    want(500, A);
    want(640, A, B); // and only now comes what was read at 600
    read(600, A);
    read(800, A, B);
    assert.deepEqual(events, [settled('added', 800, 160)]);
  });

  it('a kernel that was ahead of our watch made no error', () => {
    const { events, want, read } = story();
    read(600, A);
    want(700, A);
    read(1_000, A, B);
    want(1_100, A, B);
    assert.deepEqual(events, [settled('removed', 700, 0), settled('added', 1_100, 0)]);
  });

  it('failed readings close and open nothing', () => {
    const { events, want, fail, read } = story();
    want(500, A);
    fail(600);
    fail(800);
    read(1_000, A);
    fail(1_200);
    assert.deepEqual(events, [settled('removed', 1_000, 500)]);
  });

  it('what is wrong at the end is told with no end, unless the API could still explain it', () => {
    const { events, want, same, read, tracker } = story();
    want(500, A);
    same(700);
    read(3_000, B);
    tracker.stop(3_100);
    assert.deepEqual(events, [episode('stale', 500, null, 3_100)]);
  });

  it('what changed after the last reading is told at the end, as known to be wrong for no time', () => {
    const { events, want, fail, tracker } = story();
    want(1_000, A);
    fail(31_000);
    tracker.stop(100_000);
    assert.deepEqual(events, [episode('stale', 1_000, null, 1_000)]);
  });

  it('a deleted Service leaves stale entries under its name, a new address of it missing ones', () => {
    const { events, same, read, tracker } = story();
    const moved = new Map([['10.96.0.10:80/TCP', fronts(A, B).get(VIP)!]]);
    tracker.wanted(500, 'default/a', moved);
    same(600);
    assert.equal(tracker.live().open, 4);
    tracker.wanted(700, 'default/a', new Map());
    same(800);
    read(1_000);
    const seen = events.map((event) =>
      event.kind === 'rule-episode'
        ? [event.error, event.service, event.sinceMs, event.untilMs]
        : [],
    );
    const of = (error: string): unknown[][] =>
      seen.filter(([first]) => first === error).map((one) => one.slice(1));
    assert.deepEqual(of('missing'), [
      ['default/a', 500, 700],
      ['default/a', 500, 700],
    ]);
    assert.deepEqual(of('stale'), [
      ['default/a', 500, 1_000],
      ['default/a', 500, 1_000],
    ]);
  });

  it('what is wrong at the first reading counts from when we heard of it, and what nobody wants from the reading', () => {
    const events: FreshnessEvent[] = [];
    const tracker = createTracker('n1', (event) => events.push(event));
    tracker.wanted(100, 'default/a', fronts(B));
    tracker.reading({
      tMs: 300,
      errorMs: 5,
      rules: new Map([['1.2.3.4:1/UDP', { name: 'x/y:z', endpoints: new Set([A]) }]]),
    });
    tracker.reading({ tMs: 500, errorMs: 5, rules: rules(B) });
    assert.deepEqual(events, [
      { ...episode('stale', 300, 500), service: 'x/y', port: 'z', endpoint: A },
      episode('missing', 100, 500),
    ]);
  });

  it('an address that two Services claim is not judged, and is told', () => {
    const { events, same, tracker } = story();
    tracker.wanted(500, 'default/other', fronts(A, '10.244.3.1:8080'));
    assert.deepEqual(tracker.contested(), [VIP]);
    same(700);
    tracker.wanted(900, 'default/other', new Map());
    assert.deepEqual(tracker.contested(), []);
    same(1_100);
    assert.deepEqual(events, []);
  });
});
