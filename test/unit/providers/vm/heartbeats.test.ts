import assert from 'node:assert/strict';
import {
  lastHeartbeat,
  untilHeartbeat,
  untilHeartbeatIsDue,
} from '../../../../harness/providers/vm/heartbeats.ts';
import { FakeKube } from '../../../support/fake-kube.ts';

const { signal } = new AbortController();

function kubeWith(...ages: number[]): { kube: FakeKube; renew: (node: number) => void } {
  const kube = new FakeKube();
  const put = (node: number, ageMs: number): void => {
    kube.put({
      ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
      metadata: { name: `worker-${node + 1}`, namespace: 'kube-node-lease' },
      // As a kubelet writes it.
      spec: { renewTime: new Date(Date.now() - ageMs).toISOString().replace('Z', '000Z') },
    });
  };
  for (const [node, ageMs] of ages.entries()) put(node, ageMs);
  return {
    kube,
    renew: (node) => {
      put(node, 0);
    },
  };
}

describe('vm/heartbeats', () => {
  it('takes no heartbeat of before for one of now', async () => {
    const { kube, renew } = kubeWith(5_000);
    let heard = false;
    const before = await lastHeartbeat(kube, 'worker-1');
    const waiting = untilHeartbeat(kube, 'worker-1', before, signal).then(() => {
      heard = true;
    });
    // It has asked, and was told the old one.
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(heard, false);
    renew(0);
    await waiting;
    assert.equal(heard, true);
  });

  it('takes one for new by whatever clock it was written', async () => {
    const { kube } = kubeWith(5_000);
    await untilHeartbeat(kube, 'worker-1', new Date(Date.now() + 60_000).toISOString(), signal);
  });

  it('finds one due when the oldest is', async () => {
    const { kube } = kubeWith(100, 9_000);
    await untilHeartbeatIsDue(kube, ['worker-1', 'worker-2'], signal);
  });

  it('stops waiting when it is told to', async () => {
    const { kube } = kubeWith(0);
    const before = await lastHeartbeat(kube, 'worker-1');
    const gone = AbortSignal.abort(new Error('interrupted'));
    await assert.rejects(untilHeartbeat(kube, 'worker-1', before, gone), /interrupted/);
    await assert.rejects(untilHeartbeatIsDue(kube, ['worker-1'], gone), /interrupted/);
  });
});
