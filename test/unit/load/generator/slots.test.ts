import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createSlots } from '../../../../harness/load/generator/dns/slots.ts';

describe('slots', () => {
  it('never deal an id twice while it is open, and count what is open', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (steps) => {
        const slots = createSlots();
        const open: number[] = [];
        for (const isClaim of steps) {
          if (isClaim) {
            const pair = slots.claim();
            assert.ok(!open.includes(pair));
            for (const id of [2 * pair, 2 * pair + 1]) slots.load(id, Buffer.alloc(20));
            open.push(pair);
          } else {
            const pair = open.shift();
            if (pair === undefined) continue;
            slots.close(2 * pair);
            assert.ok(!slots.isPairDone(pair));
            slots.close(2 * pair + 1);
            assert.ok(slots.isPairDone(pair));
            slots.release(pair);
          }
          assert.equal(slots.busyPairs(), open.length);
          assert.equal(slots.openQueries(), 2 * open.length);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('write the id into the packet, and find what expired', () => {
    const slots = createSlots();
    slots.claim();
    const id = 2 * slots.claim() + 1;
    slots.load(id, Buffer.from([0xff, 0xff, 7]));
    assert.deepEqual(slots.open(id), Buffer.from([0, id, 7]));
    assert.deepEqual(slots.expired(0), []);
    slots.sentNow(id);
    assert.deepEqual(slots.expired(0), [id]);
    assert.deepEqual(slots.expired(60_000), []);
    slots.close(id);
    assert.deepEqual(slots.expired(0), []);
    assert.equal(slots.open(id), undefined);
    assert.equal(slots.open(-1), undefined);
  });
});
