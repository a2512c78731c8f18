import assert from 'node:assert/strict';
import { mirrored } from '../../../../harness/providers/kind/published.ts';

describe('a mirror of published images', () => {
  it('takes the place of a host, and of none', () => {
    assert.equal(mirrored('kindest/node:v1', '127.0.0.1:5000'), '127.0.0.1:5000/kindest/node:v1');
    assert.equal(mirrored('r.test/a/b:v1', 'm.test/proxy'), 'm.test/proxy/a/b:v1');
    assert.equal(mirrored('localhost:5000/b:v1', 'm.test'), 'm.test/b:v1');
    assert.equal(mirrored('plain:v1', 'm.test'), 'm.test/plain:v1');
    assert.equal(mirrored('r.test/a:v1', undefined), 'r.test/a:v1');
  });
});
