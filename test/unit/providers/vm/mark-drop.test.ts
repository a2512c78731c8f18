import assert from 'node:assert/strict';
import { needsMarkDrop } from '../../../../harness/providers/vm/mark-drop.ts';

describe('KUBE-MARK-DROP', () => {
  it('is made where any kube-proxy of the run is older than 1.20', () => {
    assert.equal(needsMarkDrop(['1.13.0']), true);
    assert.equal(needsMarkDrop(['1.34.3', '1.19.16']), true);
    assert.equal(needsMarkDrop(['1.20.0', '1.34.3']), false);
  });
});
