/** A private engine for real: started in namespaces, used, ended in every way, and nothing of it left. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { waitFor } from '../../../harness/core/deadline.ts';
import { local } from '../../../harness/exec/local.ts';
import { findRunCgroups } from '../../../harness/providers/cgroups.ts';
import { cleanRun, findLeftovers } from '../../../harness/providers/clean.ts';
import { insideRefusals } from '../../../harness/providers/inside.ts';
import { readResidue } from '../../../harness/providers/kind/engine-residue.ts';
import { missingCapabilities } from '../../../harness/providers/kind/runtime-shim.ts';
import { runFolder } from '../../../harness/providers/run-state.ts';
import { onPath } from '../../../harness/exec/on-path.ts';
import { runOrThrow } from '../../../harness/exec/run-or-throw.ts';
import { innerOf, processTree, startEngineRun, type EngineRun } from '../../support/engine-run.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';
import { makeTinyImage } from '../../support/tiny-image.ts';

const say = (): void => undefined;

describe('private engine', function () {
  this.timeout(120_000);
  let cacheDir = '';
  let tar = '';
  let count = 0;
  const started: (EngineRun & { runId: string })[] = [];

  before(async function () {
    if (!isRoot()) skipOrFail(this, 'a private engine needs root');
    if ((await onPath('dockerd')) === undefined) skipOrFail(this, 'dockerd is not installed');
    const refusals = await insideRefusals(tmpdir());
    if (refusals.length > 0) skipOrFail(this, refusals.join('; '));
    cacheDir = await mkdtemp(path.join(tmpdir(), 'engine-test-'));
    tar = await makeTinyImage(cacheDir);
  });

  afterEach(async () => {
    for (const run of started.splice(0)) {
      run.outer.kill('SIGKILL');
      await run.ended;
      // Not every run: others on this machine may live.
      await cleanRun({ cacheDir, runId: run.runId, all: true, say });
    }
  });

  after(async () => {
    if (cacheDir !== '') await rm(cacheDir, { recursive: true, force: true });
  });

  function start(then: 'end' | 'wait'): EngineRun & { runId: string } {
    count += 1;
    const runId = `enginetest${process.pid}x${count}`;
    const run = startEngineRun(cacheDir, runId, tar, then);
    started.push({ ...run, runId });
    return { ...run, runId };
  }

  async function left(runId: string): Promise<string[]> {
    return [
      ...(existsSync(runFolder(runId)) ? ['folder'] : []),
      ...(existsSync(path.join(cacheDir, 'state', `${runId}.json`)) ? ['state'] : []),
      ...((await findRunCgroups()).some((cgroup) => cgroup.runId === runId) ? ['cgroup'] : []),
      ...((await readResidue(path.join(cacheDir, 'docker', '0'))).length > 0 ? ['slot'] : []),
    ];
  }

  it('runs and enters privileged containers, leaves only images, and starts again with them', async () => {
    const host = await hostState();
    const run = start('end');
    const report = await run.report;
    assert.deepEqual(await hostState(), host, 'the host while the engine runs');
    const bounding = missingCapabilities(readFileSync('/proc/self/status', 'utf8'), 37);
    assert.deepEqual(missingCapabilities(report.status, 37), bounding);
    assert.deepEqual(report.zombies, []);
    assert.deepEqual(await run.ended, { exitCode: 0, signal: null });
    assert.deepEqual(await left(run.runId), []);
    assert.deepEqual(await hostState(), host, 'the host after the engine ended');

    const again = await start('end').report;
    assert.equal(again.before, '');
    assert.notEqual(again.images, '');
  });

  for (const [signal, exitCode] of [
    ['SIGINT', 41],
    ['SIGTERM', 42],
  ] as const) {
    it(`leaves nothing after ${signal}, and returns what the inner process made of it`, async () => {
      const run = start('wait');
      await run.report;
      process.kill(run.outer.pid, signal);
      assert.deepEqual(await run.ended, { exitCode, signal: null });
      assert.deepEqual(await left(run.runId), []);
    });
  }

  it('leaves nothing after a signal that came before it could listen', async () => {
    const run = start('wait');
    const state = path.join(cacheDir, 'state', `${run.runId}.json`);
    await waitFor({ what: 'the run to begin', timeoutMs: 20_000, everyMs: 5 }, () =>
      Promise.resolve(existsSync(state) ? true : undefined),
    );
    process.kill(run.outer.pid, 'SIGTERM');
    assert.equal((await run.ended).exitCode, 143);
    assert.deepEqual(await left(run.runId), []);
  });

  it('leaves nothing when the inner process is killed', async () => {
    const run = start('wait');
    await run.report;
    const tree = processTree(run.outer.pid);
    assert.ok(tree.length > 6, `dockerd, containerd and a container in ${tree.join(' ')}`);
    process.kill(innerOf(run), 'SIGKILL');
    assert.deepEqual(await run.ended, { exitCode: 137, signal: null });
    assert.deepEqual(await left(run.runId), []);
    assert.deepEqual(tree.filter(isThere), []);
  });

  for (const whose of ['outer', 'inner'] as const)
    it(`ends frozen containers too when the ${whose} process is killed`, async () => {
      const run = start('wait');
      const { host } = await run.report;
      const pause = ['docker', '--host', host, 'pause', `coalmine-${run.runId}-node`] as const;
      await runOrThrow(local, { argv: pause }, { timeoutMs: 20_000 });
      const tree = processTree(run.outer.pid);
      process.kill(whose === 'outer' ? run.outer.pid : innerOf(run), 'SIGKILL');
      await run.ended;
      const { kept } = await cleanRun({ cacheDir, runId: run.runId, say });
      assert.deepEqual(kept, []);
      assert.deepEqual(await left(run.runId), []);
      assert.deepEqual(tree.filter(isThere), []);
    });

  it('takes everything along when the outer process is killed, and clean removes the rest, once', async () => {
    const host = await hostState();
    const run = start('wait');
    await run.report;
    const tree = processTree(run.outer.pid);
    // One that can do nothing itself any more is taken along by the kernel.
    process.kill(innerOf(run), 'SIGSTOP');
    process.kill(run.outer.pid, 'SIGKILL');
    await waitFor({ what: 'every process to end', timeoutMs: 20_000, everyMs: 20 }, () =>
      Promise.resolve(tree.some(isThere) ? undefined : true),
    );
    assert.deepEqual(await hostState(), host);
    assert.deepEqual(await left(run.runId), ['folder', 'state', 'cgroup', 'slot']);

    // As if the cache had been deleted: the folder's copy remembers.
    await rm(path.join(cacheDir, 'state'), { recursive: true });
    const { runId } = run;
    const wouldGo = (await cleanRun({ cacheDir, runId, dryRun: true, say })).removed;
    const shown = (await findLeftovers(cacheDir)).filter((leftover) => leftover.runId === runId);
    assert.ok(shown.length > 0, 'doctor shows it');
    assert.deepEqual(await left(run.runId), ['folder', 'cgroup', 'slot']);
    const { removed, kept } = await cleanRun({ cacheDir, runId, say });
    assert.deepEqual(kept, []);
    assert.deepEqual(removed, wouldGo);
    assert.deepEqual(
      new Set(removed.map(({ kind }) => kind)),
      new Set(['cgroup', 'slot', 'folder']),
    );
    assert.deepEqual(await left(run.runId), []);
    assert.deepEqual((await cleanRun({ cacheDir, runId, say })).removed, []);

    // The image is still whole: the next life runs a container of it and none of the old ones.
    assert.equal((await start('end').report).before, '');
  });

  it('gives two runs two slots, and clean touches neither while they live', async () => {
    const runs = [start('wait'), start('wait')];
    await Promise.all(runs.map(({ report }) => report));
    assert.ok((await readResidue(path.join(cacheDir, 'docker', '1'))).length > 0);
    const { removed, alive } = await cleanRun({ cacheDir, say });
    const own = new Set(runs.map(({ runId }) => runId));
    assert.deepEqual(
      removed.filter(({ kind, runId }) => kind === 'slot' || own.has(runId ?? '')),
      [],
    );
    assert.deepEqual(alive.filter(({ kind }) => kind === 'slot').length, 2);
    const [first, second] = runs;
    await cleanRun({ cacheDir, runId: first!.runId, all: true, say });
    assert.equal((await first!.ended).signal, 'SIGKILL');
    assert.ok(isThere(second!.outer.pid));
  });
});

function isThere(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** What Docker would add to this machine: chains, bridges, links, mounts, run data. Others may work here meanwhile. */
async function hostState(): Promise<Record<string, string[]>> {
  const lines = async (argv: readonly [string, ...string[]], mark: RegExp): Promise<string[]> => {
    const { stdout } = await local.run({ argv }, { timeoutMs: 20_000 });
    return stdout.split('\n').filter((line) => mark.test(line));
  };
  return {
    rules: await lines(['iptables-save'], /docker/i),
    links: await lines(['ip', '-o', 'link'], /docker|br-|veth[0-9a-f]{7}@/),
    mounts: await lines(['cat', '/proc/self/mounts'], /docker|overlay|containerd|engine-test-/),
    run: readdirSync('/run').filter((name) => /docker|containerd|runc|coalmine/.test(name)),
    etc: existsSync('/etc/docker') ? readdirSync('/etc/docker') : [],
  };
}
