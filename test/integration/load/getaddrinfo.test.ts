/** glibc's own timeout and second try as an application feels them, in a network and mount namespace of our own. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { intervalsOf, startLoadProgram, sumOf } from '../../support/load-program.ts';
import { findProgram } from '../../support/programs.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';

const ROOM = path.resolve(import.meta.dirname, '../../support/getaddrinfo-room.ts');
const STALL_MAX_MS = 150;
const ATTEMPTS = 5;

describe('getaddrinfo in a pod-like room', function () {
  this.timeout(120_000);
  before(function () {
    if (!isRoot() || findProgram('unshare') === undefined)
      skipOrFail(this, 'needs root and unshare');
  });

  /**
   * glibc's own second is measured in real time: a machine that stalls for as long plants a loss of its own, or makes a
   * try that another answer overtakes. Generator and server say when they stood still, and only such a run is made again.
   */
  const inRoom = async (timeoutMs: string, attempt = 1) => {
    const node = [process.execPath, '--import', 'tsx', ROOM, timeoutMs];
    const run = startLoadProgram(['unshare', '--net', '--mount', ...node]);
    assert.equal(await run.exit(), 0, run.talk.join('\n'));
    const server = JSON.parse(run.talk.at(-1) ?? '{}') as { planted: number; stallMs: number };
    assert.ok(server.planted > 0);
    const stallsMs = [server.stallMs, ...intervalsOf(run.lines).map((line) => line.stallMs ?? 0)];
    if (Math.max(...stallsMs) >= STALL_MAX_MS && attempt < ATTEMPTS)
      return inRoom(timeoutMs, attempt + 1);
    return { sum: sumOf(run.lines), planted: server.planted };
  };

  it('feels each lost AAAA as one slow lookup that still succeeds', async () => {
    const { sum, planted } = await inRoom('5000');
    assert.deepEqual([sum.timeouts, sum.errors], [0, {}]);
    assert.equal(sum.latenciesMs.filter((ms) => ms >= 1_000).length, planted);
  });

  it('counts it as a timeout where the limit is shorter', async () => {
    const { sum, planted } = await inRoom('700');
    assert.equal(sum.timeouts, planted);
    // A timer of Node.js counts whole milliseconds of its loop's time: it may fire a fraction of one early.
    assert.equal(sum.latenciesMs.filter((ms) => ms >= 699).length, planted);
  });
});
