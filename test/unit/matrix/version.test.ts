import assert from 'node:assert/strict';
import { parseKubernetesVersion, proxySkewNote } from '../../../harness/matrix/version.ts';

describe('versions', () => {
  it('reads MAJOR.MINOR.PATCH and nothing else', () => {
    assert.deepEqual(parseKubernetesVersion('1.34.3'), { major: 1, minor: 34, patch: 3 });
    for (const text of ['v1.34.3', '1.34', 'latest', '1.34.3 ', ''])
      assert.equal(parseKubernetesVersion(text), undefined, text);
  });

  it('notes what is outside of the supported skew', () => {
    assert.equal(proxySkewNote('1.34.3', '1.34.4'), undefined);
    assert.equal(proxySkewNote('1.34.3', '1.31.0'), undefined);
    assert.match(proxySkewNote('1.34.3', '1.35.0') ?? '', /newer than the API server/);
    assert.match(proxySkewNote('1.34.3', '1.13.0') ?? '', /21 minor versions older/);
  });
});
