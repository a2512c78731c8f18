import assert from 'node:assert/strict';
import { waitFor } from '../../../harness/core/deadline.ts';
import { CoalmineError } from '../../../harness/core/errors.ts';

describe('waitFor', () => {
  it('returns the first value', async () => {
    let asked = 0;
    const value = await waitFor({ what: 'three', timeoutMs: 5_000, everyMs: 1 }, () =>
      Promise.resolve(++asked === 3 ? asked : undefined),
    );
    assert.equal(value, 3);
  });

  it('names the thing, the limit and the last error', async () => {
    const wait = waitFor({ what: 'node w1 to be Ready', timeoutMs: 20, everyMs: 5 }, () =>
      Promise.reject(new Error('connection refused')),
    );
    await assert.rejects(wait, (error: unknown) => {
      assert.ok(error instanceof CoalmineError);
      assert.equal(error.code, 'deadline');
      assert.match(
        error.message,
        /node w1 to be Ready and gave up after 20ms; last error: connection refused/,
      );
      return true;
    });
  });

  it('stops at once when aborted', async () => {
    const controller = new AbortController();
    const wait = waitFor(
      { what: 'never', timeoutMs: 60_000, everyMs: 60_000, signal: controller.signal },
      () => Promise.resolve(undefined),
    );
    setTimeout(() => {
      controller.abort(new Error('SIGINT'));
    }, 10);
    await assert.rejects(wait);
  });
});
