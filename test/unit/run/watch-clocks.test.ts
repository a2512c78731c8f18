/** What is recorded of a node's clock is what the node answered, never what the controller remembers. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sample } from '../../../harness/core/history.ts';
import { watchClocks } from '../../../harness/run/watch-clocks.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { stageOf } from '../../support/stage.ts';

const EVERY_MS = 4;

/** Records for some rounds what a node's clock is found to be, 2 s behind by all that the controller knows. */
async function recorded(heardMs: () => number): Promise<Sample[]> {
  const { stage } = stageOf(
    [new FakeNode('w1')],
    {},
    {
      agent: {
        heardMs,
        wallToRunMs: (wallMs) => wallMs - Date.now() + stage.clock.nowMs() + 2_000,
      },
    },
  );
  const samples: Sample[] = [];
  const watch = watchClocks(stage, (sample) => samples.push(sample), EVERY_MS);
  await delay(60);
  watch.stop();
  return samples;
}

describe('run/watch-clocks', () => {
  it('records by how much the clock of a node that answers is off', async () => {
    let heard = 0;
    const samples = await recorded(() => (heard += 1));
    assert.ok(samples.length >= 2, String(samples.length));
    for (const { node, probe, values } of samples) {
      assert.deepEqual([node, probe], ['w1', 'clock']);
      assert.ok(Math.abs((values['offset_ms'] ?? 0) + 2_000) < 100, JSON.stringify(values));
    }
  });

  it('records each answer once, and nothing of a node that never answered', async () => {
    assert.equal((await recorded(() => 7)).length, 1);
    assert.equal((await recorded(() => -Infinity)).length, 0);
  });
});
