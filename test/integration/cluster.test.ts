/**
 * Runs test/cluster in one more mocha, which has one real cluster for all of it: directly where a Docker engine answers,
 * else inside namespaces with a private engine. Components come from the usual cache, and are made where it lacks them.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { makeAhead } from '../../harness/run/make-ahead.ts';
import { createStore } from '../../harness/components/store.ts';
import { startInherited } from '../../harness/exec/inherited.ts';
import { hasCode, messageOf } from '../../harness/core/errors.ts';
import { runInside } from '../../harness/providers/inside.ts';
import { findEngine, type EngineChoice } from '../../harness/providers/kind/engine-find.ts';
import { newRunId } from '../../harness/run/run-id.ts';
import { testPlan } from '../support/cluster.ts';
import { skipOrFail } from '../support/real.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MOCHA = [
  ...[process.execPath, '--import', 'tsx', path.join(ROOT, 'node_modules/mocha/bin/mocha.js')],
  ...['--no-package', '--forbid-only', '--timeout', '600000'],
  ...['--require', path.join(ROOT, 'test/support/cluster-hooks.ts')],
  ...['--spec', path.join(ROOT, 'test/cluster/**/*.test.ts')],
] as const;

const say = (line: string): void => {
  console.warn(`      ${line}`);
};

describe('a real cluster', function () {
  this.timeout(3_600_000);

  it('passes every test of test/cluster', async function () {
    const store = createStore();
    const cacheDir = store.cache.root;
    let choice: EngineChoice;
    try {
      choice = await findEngine({ cacheDir });
    } catch (error) {
      if (!hasCode(error, 'preflight')) throw error;
      skipOrFail(this, messageOf(error));
    }
    const runId = newRunId(new Date());
    // Inside there is no network.
    await makeAhead([testPlan(runId)], store, 'built', {
      say,
      signal: new AbortController().signal,
    });
    const exitCode =
      choice.kind === 'private'
        ? await runInside({ runId, cacheDir, say, argv: MOCHA, onInterrupt: () => () => undefined })
        : await outside();
    assert.equal(exitCode, 0, 'its output is above');
  });
});

async function outside(): Promise<number> {
  const child = await startInherited({ argv: [...MOCHA] });
  return (await child.ended).exitCode ?? 1;
}
