import assert from 'node:assert/strict';
import { startLocal } from '../../../harness/exec/local.ts';
import {
  identifyProcess,
  isAlive,
  parseStat,
} from '../../../harness/providers/process-identity.ts';

const REST = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20 21';

describe('parseStat', () => {
  it('survives any process name', () => {
    for (const name of ['sh', 'a b', ') S 1 (', '((', 'tmux: server'])
      assert.deepEqual(parseStat(`42 (${name}) S ${REST}\n`), { state: 'S', startTicks: '777' });
  });

  it('returns undefined for what is no stat line', () => {
    for (const text of ['', '42', '42 (sh) S 1 2']) assert.equal(parseStat(text), undefined);
  });
});

describe('isAlive', () => {
  it('knows a living process, a dead one, and another with the same pid', async () => {
    const child = startLocal({ argv: ['sleep', '60'] });
    const identity = identifyProcess(child.pid);
    assert.ok(identity !== undefined);
    assert.equal(isAlive(identity), true);
    assert.equal(isAlive({ ...identity, startTicks: '1' }), false);
    assert.equal(isAlive({ ...identity, bootId: 'yesterday' }), false);
    child.kill('SIGKILL');
    await child.ended;
    assert.equal(isAlive(identity), false);
  });
});
