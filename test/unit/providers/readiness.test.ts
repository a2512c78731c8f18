import assert from 'node:assert/strict';
import { hasCode } from '../../../harness/core/errors.ts';
import type { KubeObject } from '../../../harness/core/kube.ts';
import { notReady, waitForNodes } from '../../../harness/providers/readiness.ts';
import { readyLimitMs } from '../../../harness/providers/ready-limit.ts';
import { FakeKube } from '../../support/fake-kube.ts';

const node = (name: string, ...conditions: Record<string, string>[]): KubeObject => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name } },
  ...(conditions.length === 0 ? {} : { status: { conditions } }),
});
const ready = (status: string) => ({
  ...{ type: 'Ready', status, reason: 'KubeletNotReady', message: 'network is not ready' },
});
const never = new AbortController().signal;

describe('providers/readiness', () => {
  it('says of each node that is not Ready how far it came', () => {
    const found = [node('a', ready('True')), node('b', ready('False')), node('c')];
    assert.deepEqual(notReady(['a', 'b', 'c', 'd'], found), [
      'b: Ready is False (KubeletNotReady: network is not ready)',
      'c: its kubelet never reported',
      'd is not registered',
    ]);
    assert.deepEqual(notReady(['a'], found), []);
  });

  it('waits no longer than it may, and names who is late', async () => {
    const kube = new FakeKube();
    kube.put(node('a', ready('True')));
    kube.put(node('b', ready('Unknown')));
    const said: string[] = [];
    const wait = { say: (line: string) => said.push(line), signal: never, timeoutMs: 5 };
    await waitForNodes(kube, { ...wait, nodes: ['a'] });
    assert.deepEqual(said, ['a is Ready']);
    await assert.rejects(
      waitForNodes(kube, { ...wait, nodes: ['a', 'b'] }),
      (error) =>
        hasCode(error, 'deadline') &&
        /2 nodes to be Ready and gave up after 5ms; b: Ready is Unknown/.test(error.message),
    );
  });

  it('is limited by the environment, in words with a unit', () => {
    assert.equal(readyLimitMs({}), 180_000);
    assert.equal(readyLimitMs({ COALMINE_READY_TIMEOUT: '10m' }), 600_000);
    for (const wrong of ['10', 'soon', '0s'])
      assert.throws(
        () => readyLimitMs({ COALMINE_READY_TIMEOUT: wrong }),
        (error) => hasCode(error, 'usage'),
      );
  });
});
