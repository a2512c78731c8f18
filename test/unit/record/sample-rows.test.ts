import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Sample } from '../../../harness/core/history.ts';
import { createSampleEncoder, isSampleRow } from '../../../harness/record/sample-rows.ts';
import { samplesOf } from '../../../harness/record/sample-series.ts';

const key = fc.constantFrom('cpu0.dropped', 'cpu1.dropped', 'eth0.rx_drop', 'a b"\n');
const sample = fc.record({
  tMs: fc.nat(1_000_000),
  node: fc.constantFrom('w1', 'w2'),
  probe: fc.constantFrom('softnet', 'netdev'),
  values: fc.dictionary(key, fc.nat(3), { noNullPrototype: true }),
});

describe('sample rows', () => {
  it('give back every sample, in order of time, whatever order the values are asked for in', () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 40 }), fc.boolean(), (samples, backwards) => {
        const encode = createSampleEncoder();
        const rows = samples.map((one) => JSON.parse(JSON.stringify(encode(one))) as unknown);
        assert.ok(rows.every(isSampleRow));
        const read = samplesOf(rows);
        if (backwards) [...read].reverse().forEach((one) => one.values);
        assert.deepEqual(
          read.map((one) => ({ ...one })),
          [...samples].sort((a, b) => a.tMs - b.tMs).map((one) => ({ ...one })),
        );
      }),
    );
  });

  it('survive long jumps back and forth', () => {
    const samples: Sample[] = Array.from({ length: 2_000 }, (_, index) => ({
      tMs: index,
      node: 'w1',
      probe: 'softnet',
      values: index % 700 === 0 ? { b: 1 } : { a: index, b: Math.floor(index / 3) },
    }));
    const read = samplesOf(samples.map(createSampleEncoder()));
    for (const index of [1_999, 3, 1_400, 700, 699, 256, 1_999, 0]) {
      assert.deepEqual(read[index]?.values, samples[index]?.values);
    }
  });

  it('hold only what changed, and null for what is gone', () => {
    const encode = createSampleEncoder();
    const at = { tMs: 1.23456, node: 'w1', probe: 'netdev' };
    assert.deepEqual(encode({ ...at, values: { a: 1, b: 2 } }).v, { a: 1, b: 2 });
    assert.deepEqual(encode({ ...at, values: { a: 1, b: 3 } }), {
      t: 1.235,
      n: 'w1',
      p: 'netdev',
      v: { b: 3 },
    });
    assert.deepEqual(encode({ ...at, values: { a: 1 } }).v, { b: null });
    assert.deepEqual(encode({ ...at, values: { a: Number.NaN } }).v, { a: null });
    assert.deepEqual(encode({ ...at, node: 'w2', values: { a: 1 } }).v, { a: 1 });
  });

  it('refuse what is no row', () => {
    for (const row of [null, [], 1, { t: 1, n: 'w1', p: 'x', v: { a: '1' } }, { t: 1, n: 'w1' }]) {
      assert.equal(isSampleRow(row), false);
    }
  });
});
