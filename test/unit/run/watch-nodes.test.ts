import assert from 'node:assert/strict';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import type { KubeApi, KubeWatchEvent } from '../../../harness/core/kube.ts';
import type { Cluster } from '../../../harness/providers/provider.ts';
import { watchNodes } from '../../../harness/run/watch-nodes.ts';

const said = (tMs: number, ready: boolean, kubeletVersion?: string): KubeWatchEvent => ({
  type: 'MODIFIED',
  tMs,
  object: {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'w' },
    status: {
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      ...(kubeletVersion === undefined ? {} : { nodeInfo: { kubeletVersion } }),
    },
  },
});

describe('what is recorded of a node', () => {
  it('is its kubelet’s version and whether it is Ready, each change once', async () => {
    const heard = [
      said(1, false),
      said(2, false, 'v1.33.0'),
      said(3, true, 'v1.33.0'),
      said(4, true, 'v1.34.4'),
    ];
    const watch: KubeApi['watch'] = (_, onEvent) => {
      heard.forEach(onEvent);
      return Promise.resolve();
    };
    const events: HistoryEvent[] = [];
    const cluster = { kube: { watch } } as unknown as Cluster;
    const emit = { now: () => undefined, at: (event: HistoryEvent) => events.push(event) };
    await watchNodes({ cluster, emit }, new AbortController().signal);
    assert.deepEqual(events, [
      { tMs: 1, kind: 'node-ready', node: 'w', ready: false },
      { tMs: 2, kind: 'kubelet', node: 'w', version: '1.33.0' },
      { tMs: 3, kind: 'node-ready', node: 'w', ready: true },
      { tMs: 4, kind: 'kubelet', node: 'w', version: '1.34.4' },
    ]);
  });
});
