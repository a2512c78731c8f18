/** mocha loads this before the tests of test/cluster: the shared cluster ends with the last of them. */
import assert from 'node:assert/strict';
import { closeSharedCluster } from './cluster.ts';

export const mochaHooks = {
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(300_000);
    assert.deepEqual(await closeSharedCluster(), []);
  },
};
