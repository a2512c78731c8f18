import assert from 'node:assert/strict';
import { Unwind } from '../../../harness/core/unwind.ts';

describe('unwind', () => {
  it('runs last in first out, past failures, once', async () => {
    const order: string[] = [];
    const unwind = new Unwind();
    unwind.push('first', () => void order.push('first'));
    unwind.push('bad', () => Promise.reject(new Error('no')));
    unwind.push('last', () => void order.push('last'));
    const failures = await unwind.run();
    assert.deepEqual(order, ['last', 'first']);
    assert.deepEqual(
      failures.map(({ title }) => title),
      ['bad'],
    );
    assert.deepEqual(await unwind.run(), []);
    assert.deepEqual(order, ['last', 'first']);
  });
});
