/** What is recorded of a node's clock is what the node answered, never what the controller remembers. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClockOffset } from '../../../harness/core/node-clock.ts';
import type { NodeAgent } from '../../../harness/core/node.ts';
import type { Sample } from '../../../harness/core/history.ts';
import { watchClocks } from '../../../harness/run/watch-clocks.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { stageOf } from '../../support/stage.ts';

const EVERY_MS = 4;
const told: ClockOffset = { ms: 0, errorMs: 1 };

/** Records for some rounds what a node's clock is found to be, 2 s behind by all that the controller knows. */
async function recorded(behind: NodeAgent['behind'], forMs = 60): Promise<Sample[]> {
  const { stage } = stageOf(
    [new FakeNode('w1')],
    {},
    {
      agent: { behind, wallToRunMs: (wallMs) => wallMs - Date.now() + stage.clock.nowMs() + 2_000 },
    },
  );
  const samples: Sample[] = [];
  const watch = watchClocks(stage, (sample) => samples.push(sample), EVERY_MS);
  await delay(forMs);
  watch.stop();
  return samples;
}

describe('run/watch-clocks', () => {
  it('records by how much the clock of a node that answers is off', async () => {
    const samples = await recorded(() => Promise.resolve(told));
    assert.ok(samples.length >= 2, String(samples.length));
    for (const { node, probe, values } of samples) {
      assert.deepEqual([node, probe], ['w1', 'clock']);
      assert.ok(Math.abs((values['offset_ms'] ?? 0) + 2_000) < 100, JSON.stringify(values));
    }
  });

  it('records nothing of a node that does not answer, and asks it once', async () => {
    let asked = 0;
    const samples = await recorded(() => {
      asked += 1;
      return new Promise(() => undefined);
    });
    assert.deepEqual([samples.length, asked], [0, 1]);
  });

  it('asks again a node that was away', async () => {
    let asked = 0;
    const samples = await recorded(() => {
      asked += 1;
      return asked < 3 ? Promise.reject(new Error('it is away')) : Promise.resolve(told);
    });
    assert.ok(samples.length >= 1);
    assert.equal(samples.length, asked - 2);
  });

  it('records nothing of an answer that comes when it has stopped', async () => {
    let answer: ((offset: ClockOffset) => void) | undefined;
    const samples = await recorded(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    answer?.(told);
    await delay(1);
    assert.equal(samples.length, 0);
  });
});
