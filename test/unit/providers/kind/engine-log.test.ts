import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { keepLog } from '../../../../harness/providers/kind/engine-log.ts';

describe('the log of a private engine', () => {
  it('is given up on a full disk, and the engine is read on', async () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const ended = Promise.all([finished(stdout), finished(stderr)]).then(() => ({
      exitCode: 0,
      signal: null,
    }));
    keepLog({ stdout, stderr, ended }, '/dev/full');
    // Far more than what waits in a pipe whose reader is gone.
    for (let times = 0; times < 100; times += 1) {
      for (const stream of [stdout, stderr])
        if (!stream.write('x'.repeat(10_000)))
          await new Promise((resolve) => stream.once('drain', resolve));
    }
    stdout.end();
    stderr.end();
    assert.equal((await ended).exitCode, 0);
  });
});
