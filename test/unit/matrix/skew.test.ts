import assert from 'node:assert/strict';
import { newerKubelet, skewNote } from '../../../harness/matrix/skew.ts';

describe('the version skew', () => {
  it('is noted for kube-proxy where upstream does not support it', () => {
    assert.equal(skewNote('1.34.3', 'kube-proxy', '1.34.4'), undefined);
    assert.equal(skewNote('1.34.3', 'kube-proxy', '1.31.0'), undefined);
    assert.match(
      skewNote('1.34.3', 'kube-proxy', '1.35.0') ?? '',
      /kube-proxy 1\.35\.0 is newer than the API server/,
    );
    assert.match(skewNote('1.34.3', 'kube-proxy', '1.13.0') ?? '', /21 minor versions older/);
  });

  it('of a kubelet may be three minors, and two before 1.25', () => {
    assert.equal(skewNote('1.28.0', 'kubelet', '1.25.0'), undefined);
    assert.match(skewNote('1.28.0', 'kubelet', '1.24.0') ?? '', /^kubelet 1\.24\.0 is 4 .* of 2$/);
    assert.equal(skewNote('1.26.0', 'kubelet', '1.24.0'), undefined);
    assert.match(skewNote('1.27.0', 'kubelet', '1.24.0') ?? '', /is 3 minor versions older/);
    assert.match(skewNote('1.34.3', 'kubelet', '1.30.9') ?? '', /is 4 .* supported skew of 3$/);
  });

  it('is refused for a kubelet of a newer minor, and not of a newer patch', () => {
    assert.equal(newerKubelet('1.34.3', '1.34.4'), undefined);
    assert.equal(newerKubelet('1.34.3', '1.33.0'), undefined);
    assert.match(newerKubelet('1.34.3', '1.35.0') ?? '', /upgraded before its nodes/);
    assert.match(newerKubelet('1.34.3', '2.0.0') ?? '', /kubelet 2\.0\.0 is newer/);
  });
});
