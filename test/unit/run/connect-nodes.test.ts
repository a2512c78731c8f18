import assert from 'node:assert/strict';
import type { LocalProcess } from '../../../harness/exec/local.ts';
import { Unwind } from '../../../harness/core/unwind.ts';
import { connectNodes } from '../../../harness/run/connect-nodes.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { stageOf } from '../../support/stage.ts';

describe('run/connect-nodes', () => {
  it('does not leave one agent being started when another fails', async () => {
    const { stage } = stageOf([new FakeNode('cp'), new FakeNode('w1')]);
    const broken = new Error('w1 has no agent');
    let fail: (error: Error) => void = () => undefined;
    const slow = new Promise<LocalProcess>((_, reject) => (fail = reject));
    const nodes = stage.cluster.nodes.map((node) => ({
      ...node,
      startAgent: () => (node.name === 'w1' ? Promise.reject(broken) : slow),
    }));
    const connecting = connectNodes(
      { ...stage, cluster: { ...stage.cluster, nodes } },
      new Unwind(),
    );
    let over = false;
    const seen = connecting.then(
      () => (over = true),
      () => (over = true),
    );
    // Every promise that could settle has settled after a turn of the event loop.
    await new Promise(setImmediate);
    assert.equal(over, false, 'the first agent is still being started');
    fail(new Error('cp has none either'));
    await seen;
    await assert.rejects(connecting, /cp has none either/);
  });
});
