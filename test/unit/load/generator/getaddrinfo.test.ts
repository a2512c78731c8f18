import assert from 'node:assert/strict';
import { intervalsOf, startGenerator, sumOf } from '../../../support/load-program.ts';

describe('getaddrinfo', () => {
  it('looks names up in the thread pool of the given size, and names errors', async () => {
    const run = startGenerator(
      [
        ...['getaddrinfo', '--names', 'localhost,no..name', '--rate', '20'],
        ...['--duration-ms', '1000'],
      ],
      { UV_THREADPOOL_SIZE: '7' },
    );
    assert.equal(await run.exit(), 0);
    const [ready] = run.lines;
    assert.equal(ready && 'ready' in ready && ready.detail, '7 threads');
    const { sent, ok, errors, timeouts } = sumOf(run.lines);
    const failed = Object.values(errors).reduce((sum, each) => sum + each, 0);
    assert.ok(ok > 0 && failed > 0 && intervalsOf(run.lines).length > 0);
    assert.equal(sent, ok + failed + timeouts);
    assert.ok(Math.abs(ok - failed) <= 1);
  });

  it('refuses nonsense with the word that is wrong', async () => {
    const run = startGenerator(['getaddrinfo', '--names', 'localhost', '--rate', 'fast']);
    assert.equal(await run.exit(), 2);
    assert.match(run.talk.join(), /--rate must be a number/);
    const other = startGenerator(['nonsense']);
    assert.equal(await other.exit(), 2);
    assert.match(other.talk.join(), /dns-pairs, getaddrinfo, dnsperf, hold, echo/);
  });
});
