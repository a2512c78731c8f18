/** glibc's own timeout and second try as an application feels them, in a network and mount namespace of our own. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { intervalsOf, startLoadProgram, sumOf } from '../../support/load-program.ts';
import { findProgram } from '../../support/programs.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';

const ROOM = path.resolve(import.meta.dirname, '../../support/getaddrinfo-room.ts');

describe('getaddrinfo in a pod-like room', function () {
  this.timeout(60_000);
  before(function () {
    if (!isRoot() || findProgram('unshare') === undefined)
      skipOrFail(this, 'needs root and unshare');
  });

  /**
   * glibc's own second is measured in real time: a machine that stalls for as long plants a loss of its own. The program
   * says when it stood still, and only such a run is made again.
   */
  const inRoom = async (timeoutMs: string, attempt = 1) => {
    const node = [process.execPath, '--import', 'tsx', ROOM, timeoutMs];
    const run = startLoadProgram(['unshare', '--net', '--mount', ...node]);
    assert.equal(await run.exit(), 0, run.talk.join('\n'));
    const { planted } = JSON.parse(run.talk.at(-1) ?? '{}') as { planted: number };
    assert.ok(planted > 0);
    const stallMs = Math.max(0, ...intervalsOf(run.lines).map((line) => line.stallMs ?? 0));
    if (stallMs >= 300 && attempt < 3) return inRoom(timeoutMs, attempt + 1);
    return { sum: sumOf(run.lines), planted };
  };

  it('feels each lost AAAA as one slow lookup that still succeeds', async () => {
    const { sum, planted } = await inRoom('5000');
    assert.deepEqual([sum.timeouts, sum.errors], [0, {}]);
    assert.equal(sum.latenciesMs.filter((ms) => ms >= 1_000).length, planted);
  });

  it('counts it as a timeout where the limit is shorter', async () => {
    const { sum, planted } = await inRoom('700');
    assert.equal(sum.timeouts, planted);
    assert.equal(sum.latenciesMs.filter((ms) => ms >= 700).length, planted);
  });
});
