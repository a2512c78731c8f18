import assert from 'node:assert/strict';
import type { NodeInfo } from '../../../harness/core/node.ts';
import { NODE_SELECTORS } from '../../../harness/core/plan.ts';
import { selectNodes } from '../../../harness/run/nodes.ts';

const node = (name: string, role: NodeInfo['role']): NodeInfo => ({ name, role, addresses: [] });
const CLUSTER = [node('cp', 'control-plane'), node('w1', 'worker'), node('w2', 'worker')];

const selected = (nodes: readonly NodeInfo[]) =>
  Object.fromEntries(
    NODE_SELECTORS.map((one) => [
      one,
      selectNodes(nodes, one)
        .map(({ name }) => name)
        .join(),
    ]),
  );

describe('a node selector', () => {
  it('means nodes by their role; the canary is the first worker', () => {
    assert.deepEqual(selected(CLUSTER), {
      canary: 'w1',
      rest: 'cp,w2',
      worker: 'w1,w2',
      'control-plane': 'cp',
      all: 'cp,w1,w2',
    });
  });

  it('takes the only node for the canary, and leaves no rest and no worker', () => {
    assert.deepEqual(selected(CLUSTER.slice(0, 1)), {
      canary: 'cp',
      rest: '',
      worker: '',
      'control-plane': 'cp',
      all: 'cp',
    });
  });

  it('selects nothing of nothing', () => {
    assert.deepEqual([...new Set(Object.values(selected([])))], ['']);
  });
});
