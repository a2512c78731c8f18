import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cleanRun } from '../../../harness/providers/clean.ts';
import {
  changedSysctls,
  readSysctls,
  restoreSysctl,
} from '../../../harness/providers/host-sysctls.ts';
import { beginRun } from '../../../harness/providers/run-begin.ts';
import {
  isRunAlive,
  readRunStates,
  runFolder,
  runOfName,
  stateFiles,
  writeRunState,
} from '../../../harness/providers/run-state.ts';

const say = (): void => undefined;
/** No process of this boot has it. */
const DEAD = { pid: 1, startTicks: '0', bootId: 'another' };
const NOBODY = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };

describe('run state', () => {
  let cacheDir = '';
  const runId = `statetest${process.pid}`;
  const host = process.env['DOCKER_HOST'];
  beforeEach(async () => {
    process.env['DOCKER_HOST'] = NOBODY.DOCKER_HOST;
    cacheDir = await mkdtemp(path.join(tmpdir(), 'state-'));
  });
  afterEach(async () => {
    if (host === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = host;
    await rm(cacheDir, { recursive: true, force: true });
    await rm(runFolder(runId), { recursive: true, force: true });
  });

  const ours = async () => (await readRunStates(cacheDir)).find((state) => state.runId === runId);

  it('is remembered from either copy, and from a whole one where the other is torn', async () => {
    const state = await beginRun(cacheDir, runId);
    assert.equal(isRunAlive(state), true);
    for (const file of stateFiles(cacheDir, runId)) {
      const text = await readFile(file, 'utf8');
      await rm(file);
      assert.deepEqual(await ours(), state);
      await writeFile(file, text.slice(0, 20));
      assert.deepEqual(await ours(), state);
      await writeFile(file, text);
    }
  });

  it('of a dead run is cleaned, once, and of a living one is not', async () => {
    const state = await beginRun(cacheDir, runId);
    const untouched = await cleanRun({ cacheDir, runId, say });
    assert.deepEqual(untouched.removed, []);
    assert.ok(untouched.alive.length > 0);
    await writeRunState(cacheDir, { ...state, controller: DEAD });
    const looked = await cleanRun({ cacheDir, runId, dryRun: true, say });
    assert.equal(existsSync(runFolder(runId)), true);
    const cleaned = await cleanRun({ cacheDir, runId, say });
    assert.deepEqual(cleaned, looked);
    assert.deepEqual(
      cleaned.removed.map(({ kind }) => kind),
      ['folder', 'state'],
    );
    assert.equal(existsSync(runFolder(runId)), false);
    assert.deepEqual((await cleanRun({ cacheDir, runId, say })).removed, []);
  });

  it('of a second run keeps the settings that the first one found', async () => {
    const first = `${runId}first`;
    const state = await beginRun(cacheDir, first);
    await writeRunState(cacheDir, { ...state, sysctls: { 'kernel/panic': 'found first' } });
    const second = await beginRun(cacheDir, runId);
    assert.equal(second.sysctls['kernel/panic'], 'found first');
    await rm(runFolder(first), { recursive: true });
  });
});

describe('runOfName', () => {
  it('returns the run id behind our prefix only', () => {
    assert.equal(runOfName('coalmine-a-b'), 'a-b');
    for (const name of ['coalmine-', 'coalmine', 'kind', 'x-coalmine-a'])
      assert.equal(runOfName(name), undefined);
  });
});

describe('host settings', () => {
  it('are seen to change and are put back', async () => {
    const root = await mkdtemp(path.join(tmpdir(), 'sysctl-'));
    const name = 'kernel/panic';
    await mkdir(path.join(root, 'kernel'));
    await writeFile(path.join(root, name), '0\n');
    const before = await readSysctls(root);
    assert.deepEqual(before, { [name]: '0' });
    await writeFile(path.join(root, name), '10\n');
    assert.deepEqual(await changedSysctls(before, root), [name]);
    await restoreSysctl(name, '0', root);
    assert.deepEqual(await changedSysctls(before, root), []);
    await rm(root, { recursive: true });
  });
});
