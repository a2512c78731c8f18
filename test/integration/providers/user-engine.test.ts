/** The user's own engine: found, used, and cleaned by label. A private engine of another run plays the user's. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RUN_LABEL } from '../../../harness/core/names.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import { onPath } from '../../../harness/exec/on-path.ts';
import { cleanRun } from '../../../harness/providers/clean.ts';
import { insideRefusals } from '../../../harness/providers/inside.ts';
import type { Engine } from '../../../harness/providers/kind/engine.ts';
import { findEngine } from '../../../harness/providers/kind/engine-find.ts';
import { beginRun } from '../../../harness/providers/run-begin.ts';
import { runFolder } from '../../../harness/providers/run-state.ts';
import { startEngineRun, type EngineRun } from '../../support/engine-run.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';
import { makeTinyImage } from '../../support/tiny-image.ts';

const say = (): void => undefined;
const LIMITS = { timeoutMs: 30_000 };
const KIND = 'io.x-k8s.kind.cluster';

describe("the user's engine", function () {
  this.timeout(120_000);
  /** Where the engine that plays the user's has its own memory; not the one that is cleaned. */
  let theirs = '';
  let cacheDir = '';
  let run: EngineRun | undefined;
  let engine: Engine;
  const userHost = process.env['DOCKER_HOST'];

  before(async function () {
    if (!isRoot()) skipOrFail(this, 'the engine of this test needs root');
    if ((await onPath('dockerd')) === undefined) skipOrFail(this, 'dockerd is not installed');
    const refusals = await insideRefusals(tmpdir());
    if (refusals.length > 0) skipOrFail(this, refusals.join('; '));
    theirs = await mkdtemp(path.join(tmpdir(), 'engine-test-'));
    cacheDir = await mkdtemp(path.join(tmpdir(), 'engine-test-'));
    run = startEngineRun(theirs, `usertest${process.pid}`, await makeTinyImage(theirs), 'wait');
    const { host } = await run.report;
    process.env['DOCKER_HOST'] = host;
    const choice = await findEngine({ cacheDir });
    assert.ok(choice.kind === 'user');
    engine = choice.engine;
    // The container that came with it is nobody's here.
    await engine.docker(['rm', '-fv', `coalmine-usertest${process.pid}-node`], LIMITS);
  });

  after(async () => {
    if (userHost === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = userHost;
    if (run !== undefined) {
      process.kill(run.outer.pid, 'SIGTERM');
      await run.ended;
    }
    for (const folder of [theirs, cacheDir])
      if (folder !== '') await rm(folder, { recursive: true, force: true });
  });

  async function plant(): Promise<void> {
    const mine = ['--label', `${RUN_LABEL}=dead1`];
    await engine.docker(['network', 'create', ...mine, 'coalmine-dead1'], LIMITS);
    await engine.docker(['volume', 'create', ...mine, 'coalmine-dead1-data'], LIMITS);
    const sleeper = ['run', '--detach', '--network', 'coalmine-dead1', '--volume', '/anonymous'];
    const sleep = ['tiny', 'sleep', '900'];
    // kind puts no label of ours on its nodes: its own must do.
    const node = ['--label', `${KIND}=coalmine-dead1`, '--name', 'coalmine-dead1-worker'];
    await engine.docker([...sleeper, ...node, ...sleep], LIMITS);
    const volume = ['--volume', 'coalmine-dead1-data:/d', '--name', 'helper-dead1'];
    await engine.docker([...sleeper, ...mine, ...volume, ...sleep], LIMITS);
    const other = ['--label', `${KIND}=kind`, '--name', 'kind-control-plane'];
    await engine.docker(['run', '--detach', ...other, ...sleep], LIMITS);
  }

  async function objects(): Promise<string[]> {
    const list = async (args: string[], name: string): Promise<string[]> =>
      (await engine.docker([...args, '--format', `{{${name}}}`], LIMITS)).trim().split('\n');
    const names = [
      ...(await list(['ps', '--all'], '.Names')),
      ...(await list(['network', 'ls'], '.Name')),
      ...(await list(['volume', 'ls'], '.Name')),
    ];
    return names.filter((name) => name !== '').toSorted();
  }

  it('is cleaned of dead runs by label alone, and of nothing else', async () => {
    const untouched = [...(await objects()), 'kind-control-plane'].toSorted();
    await plant();
    const wouldGo = (await cleanRun({ cacheDir, runId: 'dead1', dryRun: true, say })).removed;
    const { removed, kept } = await cleanRun({ cacheDir, runId: 'dead1', say });
    assert.deepEqual(kept, []);
    assert.deepEqual(removed, wouldGo);
    assert.deepEqual(removed.map(({ kind, name }) => `${kind} ${name}`).toSorted(), [
      'container coalmine-dead1-worker',
      'container helper-dead1',
      'network coalmine-dead1',
      'volume coalmine-dead1-data',
    ]);
    assert.deepEqual(await objects(), untouched);
    assert.deepEqual((await cleanRun({ cacheDir, runId: 'dead1', say })).removed, []);
    await engine.docker(['rm', '-f', 'kind-control-plane'], LIMITS);
  });

  it('is not cleaned of a run that lives, until that run says it is over', async () => {
    const runId = `live${process.pid}`;
    await beginRun(cacheDir, runId, engine.env());
    const node = ['--label', `${RUN_LABEL}=${runId}`, '--name', `coalmine-${runId}-worker`];
    await engine.docker(['run', '--detach', ...node, 'tiny', 'sleep', '900'], LIMITS);
    const { removed, alive } = await cleanRun({ cacheDir, runId, say });
    assert.deepEqual(removed, []);
    assert.ok(alive.some(({ kind }) => kind === 'container'));
    const end = await cleanRun({ cacheDir, runId, own: true, say });
    assert.deepEqual(
      end.removed.map(({ kind }) => kind),
      ['container', 'folder', 'state'],
    );
    assert.equal(existsSync(runFolder(runId)), false);
  });

  it('keeps the memory of a run whose engine does not answer', async () => {
    const runId = `lost${process.pid}`;
    const gone = { DOCKER_HOST: `unix://${cacheDir}/nobody.sock` };
    await beginRun(cacheDir, runId, gone);
    const silent = await cleanRun({ cacheDir, runId, own: true, say });
    assert.deepEqual(silent.removed, []);
    assert.deepEqual(
      silent.kept.map(({ leftover }) => leftover.kind),
      ['folder', 'state'],
    );
    // Once it answers again, here at its new address, the memory may go.
    await beginRun(cacheDir, runId, engine.env());
    assert.deepEqual((await cleanRun({ cacheDir, runId, own: true, say })).kept, []);
  });

  it('is refused, with every reason, where none answers and none can be started', async () => {
    const host = process.env['DOCKER_HOST'];
    process.env['DOCKER_HOST'] = `unix://${cacheDir}/nobody.sock`;
    try {
      assert.equal((await findEngine({ cacheDir })).kind, 'private');
      await assert.rejects(findEngine({ cacheDir: '/run/somewhere' }), (error: unknown) => {
        assert.ok(hasCode(error, 'preflight'));
        assert.match(error.message, /nobody\.sock.*\/run/);
        assert.match(error.wayOut ?? '', /coalmine setup/);
        return true;
      });
    } finally {
      process.env['DOCKER_HOST'] = host;
    }
  });
});
