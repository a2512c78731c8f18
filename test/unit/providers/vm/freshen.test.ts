import assert from 'node:assert/strict';
import { nicBatch } from '../../../../harness/providers/vm/freshen.ts';

describe('vm/freshen', () => {
  it('gives every NIC the address of its own machine', () => {
    assert.equal(
      nicBatch({ index: 2, testNics: 1 }),
      'link set dev eth0 address 52:54:00:c0:02:00\nlink set dev eth1 address 52:54:00:c0:02:01\n',
    );
  });
});
