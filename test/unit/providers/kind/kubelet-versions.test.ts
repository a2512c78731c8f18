import assert from 'node:assert/strict';
import { hasCode } from '../../../../harness/core/errors.ts';
import { demandKubelets } from '../../../../harness/providers/kind/kubelet-versions.ts';
import { FakeKube } from '../../../support/fake-kube.ts';

describe('the kubelets of a cluster', () => {
  const kube = new FakeKube();
  for (const [name, kubeletVersion] of [
    ['c', 'v1.34.3'],
    ['w', 'v1.33.0'],
  ] as const)
    kube.put({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
      status: { nodeInfo: { kubeletVersion } },
    });

  it('may be of different versions', async () => {
    await demandKubelets(kube, ['c', 'w'], ['1.34.3', '1.33.0']);
  });

  it('are an error where one is not what the plan names, or not there', async () => {
    await assert.rejects(
      demandKubelets(kube, ['c', 'w', 'w2'], ['1.34.3', '1.34.4', '1.34.3']),
      (error) =>
        hasCode(error, 'provision') &&
        error.message ===
          'the kubelet of w is 1.33.0, not 1.34.4; the kubelet of w2 is none, not 1.34.3',
    );
  });
});
