/** How a run that never came to its phases ends in the history: without a cluster, from a provider that gives none. */
import assert from 'node:assert/strict';
import { CoalmineError } from '../../../harness/core/errors.ts';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import { runCell } from '../../../harness/run/run-cell.ts';
import { planOf } from '../../support/history.ts';

async function endAfter(error: Error, signal?: 'SIGINT' | 'SIGTERM') {
  const events: HistoryEvent[] = [];
  const said: string[] = [];
  let closed = 0;
  const end = await runCell(planOf({ notes: ['a skew'] }), {
    provider: {
      name: 'kind',
      refuses: () => [],
      preflight: () => Promise.resolve(),
      provision: () => Promise.reject(error),
    },
    recorder: {
      dir: '/nowhere',
      event: (event) => events.push(event),
      sample: () => undefined,
      writeFile: () => undefined,
      close: () => (closed += 1),
    },
    progress: { say: (line) => said.push(line), event: () => undefined, stop: () => undefined },
    signal: new AbortController().signal,
    interrupted: () => signal,
    keep: () => false,
  });
  assert.deepEqual([end.error, closed, said], [error, 1, [`stopping: ${error.message}`]]);
  const [started, note, last, ...more] = events.map(({ tMs, ...rest }) => ({
    ...rest,
    isTimed: tMs >= 0,
  }));
  assert.ok(started?.kind === 'run' && started.state === 'started' && note?.kind === 'note');
  assert.deepEqual(more, []);
  return last;
}

describe('run/run-cell, where no cluster came up', () => {
  const base = { kind: 'run', detail: 'why', isTimed: true };

  it('ends as crashed: 4 for an error of the world, 6 for one of ours', async () => {
    assert.deepEqual(await endAfter(new CoalmineError('provision', 'why')), {
      ...{ ...base, state: 'crashed', exitCode: 4 },
    });
    assert.deepEqual(await endAfter(new TypeError('why')), {
      ...{ ...base, state: 'crashed', exitCode: 6 },
    });
  });

  it('ends as interrupted, whatever the interruption made fail', async () => {
    assert.deepEqual(await endAfter(new CoalmineError('kube', 'why'), 'SIGTERM'), {
      ...{ ...base, state: 'interrupted', signal: 'SIGTERM' },
    });
  });
});
