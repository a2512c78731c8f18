import assert from 'node:assert/strict';
import { parseKubernetesVersion } from '../../../harness/matrix/version.ts';

describe('versions', () => {
  it('reads MAJOR.MINOR.PATCH and nothing else', () => {
    assert.deepEqual(parseKubernetesVersion('1.34.3'), { major: 1, minor: 34, patch: 3 });
    for (const text of ['v1.34.3', '1.34', 'latest', '1.34.3 ', ''])
      assert.equal(parseKubernetesVersion(text), undefined, text);
  });
});
