/**
 * What can go wrong with machines while a run makes them or uses them, through the real CLI: it ends with its own exit code,
 * says which machine it was, how far that came and what its console said last, and leaves nothing.
 */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { defaultCacheDir } from '../../../harness/components/cache-folder.ts';
import { waitFor } from '../../../harness/core/deadline.ts';
import { local } from '../../../harness/exec/local.ts';
import { runOrThrow } from '../../../harness/exec/run-or-throw.ts';
import { demandQemu } from '../../../harness/providers/vm/accel.ts';
import { QEMU } from '../../../harness/providers/vm/qemu.ts';
import type { RunResult } from '../../../harness/core/result.ts';
import { coalmine, eventsOf, startCliRun, type CliRun } from '../../support/cli.ts';
import { processTree } from '../../support/engine-run.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';
import { suspects, traces } from '../../support/traces.ts';

const SCENARIO = path.resolve(import.meta.dirname, '../../support/one-machine.yaml');
/** As for a cluster that could not be made: what was judged of it is worth nothing. */
const PROVISION = 4;
/** From power-on to the end of all, on a machine that others use too; no agent is waited for so shortly. */
const PANIC_MS = 90_000;

const LIMITS = { timeoutMs: 60_000 };
/** A bit more than preflight asks for. */
const DISK = 'size=600m,mode=1777';

describe('a run whose machine goes wrong', function () {
  this.timeout(1_200_000);
  const cacheDir = defaultCacheDir(process.env);
  let reports = '';
  let living: CliRun | undefined;

  before(async function () {
    if (!isRoot()) skipOrFail(this, 'making root disks needs root');
    await demandQemu().catch((error: unknown) => skipOrFail(this, String(error)));
  });

  beforeEach(() => {
    reports = mkdtempSync(path.join(os.tmpdir(), 'coalmine-test-'));
  });

  afterEach(async () => {
    const { runId, pid } = living ?? {};
    living = undefined;
    rmSync(reports, { recursive: true, force: true });
    // A test that failed must not leave its run behind.
    if (pid !== undefined && existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
    if (runId !== undefined) await coalmine(['clean', runId, '--all']);
  });

  async function start(...through: string[]): Promise<CliRun> {
    living = await startCliRun(reports, [SCENARIO, '--provider', 'vm'], { through });
    return living;
  }

  /** Returns a PATH whose QEMU starts the real one, with `word` for the kernel of whoever has a name. */
  function shimQemu(word: string): string {
    const folder = path.join(reports, 'shims');
    mkdirSync(folder);
    const script = [
      '#!/bin/bash',
      `for argument; do`,
      `  case $argument in *systemd.hostname=*) argument+=' ${word}' ;; esac`,
      `  words+=("$argument")`,
      `done`,
      `exec env PATH="\${PATH#*:}" ${QEMU} "\${words[@]}"`,
    ];
    writeFileSync(path.join(folder, QEMU), `${script.join('\n')}\n`, { mode: 0o755 });
    return `PATH=${folder}:${process.env['PATH'] ?? ''}`;
  }

  /** Resolves with QEMU's pid, as it is here, once it runs. */
  function machineOf({ pid }: CliRun): Promise<number> {
    // The guest with which KVM is tried has no name.
    const isMachine = (one: number): boolean => {
      const file = `/proc/${one}/cmdline`;
      return existsSync(file) && /^qemu-system[^]*\0worker-1\0/.test(readFileSync(file, 'utf8'));
    };
    return waitFor({ what: 'a machine', timeoutMs: 600_000, everyMs: 100 }, () => {
      const found = processTree(pid).filter(isMachine);
      return Promise.resolve(found.length === 1 ? found[0] : undefined);
    });
  }

  /** Returns what it said, after it ended as it should and left nothing. */
  async function endOf(run: CliRun, all: ReturnType<typeof suspects>): Promise<string> {
    const { exitCode, stderr } = await run.ended;
    assert.equal(exitCode, PROVISION, stderr);
    const last = eventsOf(run.dir).findLast(({ kind }) => kind === 'run');
    assert.ok(last?.kind === 'run' && last.state === 'crashed' && last.exitCode === PROVISION);
    const verdict = readFileSync(path.join(run.dir, 'verdict.json'), 'utf8');
    assert.equal((JSON.parse(verdict) as RunResult).exitCode, PROVISION);
    assert.ok(existsSync(path.join(run.dir, 'logs/worker-1/console.log')));
    assert.deepEqual(await traces(all), []);
    all.release();
    return stderr;
  }

  it('ends at once when a root file system does not boot, and shows the end of the console', async () => {
    // Nothing mounts the root disk then, and the kernel looks for a root by itself.
    const search = shimQemu('rdinit=/nonexistent');
    const run = await start('env', search, 'COALMINE_SNAPSHOTS=off');
    await machineOf(run);
    const startedMs = Date.now();
    const stderr = await endOf(run, suspects(run.runId, cacheDir, run.pid));
    assert.ok(Date.now() - startedMs < PANIC_MS, `it took ${Date.now() - startedMs} ms`);
    assert.equal(stderr.split('stopping: ').length, 2, `one message:\n${stderr}`);
    const panic = 'Kernel panic - not syncing: VFS: Unable to mount root fs';
    assert.match(stderr, new RegExp(`stopping: worker-1 does not boot: ${panic}`));
    assert.match(stderr, new RegExp(`its console ended with:\n[^]*Call Trace[^]*end ${panic}.*\n`));
  });

  it('ends when a guest never gets Ready, and says why its kubelet does not come', async () => {
    // As an image may have it for its package manager: no word of the kubelet reaches the API server.
    const search = shimQemu('systemd.setenv=HTTPS_PROXY=http://127.0.0.1:9');
    // A saved cluster is Ready at once.
    const run = await start('env', search, 'COALMINE_READY_TIMEOUT=40s', 'COALMINE_SNAPSHOTS=off');
    await machineOf(run);
    const stderr = await endOf(run, suspects(run.runId, cacheDir, run.pid));
    assert.match(stderr, /waited for 1 nodes to be Ready and gave up after 40s; worker-1: /);
    const words = stderr.split('--- worker-1\n')[1] ?? '';
    assert.match(words, /proxyconnect tcp: dial tcp 127\.0\.0\.1:9: connect: connection refused/);
    assert.match(words, /\nits console (ended with:|is empty)/);
  });

  it('ends when the disk that its nodes write to is full', async () => {
    const disk = mkdtempSync(path.join(os.tmpdir(), 'cm-'));
    await runOrThrow(local, { argv: ['mount', '-t', 'tmpfs', '-o', DISK, 'none', disk] }, LIMITS);
    try {
      // A node that goes on writes nothing new for minutes; one that boots does at once.
      const run = await start('env', `TMPDIR=${disk}`, 'COALMINE_SNAPSHOTS=off');
      await machineOf(run);
      const all = suspects(run.runId, cacheDir, run.pid);
      const fill = ['dd', 'if=/dev/zero', `of=${disk}/of-others`, 'bs=64K'] as const;
      assert.match((await local.run({ argv: fill }, LIMITS)).stderr, /No space left/);
      const stderr = await endOf(run, all);
      assert.match(
        stderr,
        /stopping: QEMU of worker-1 had to be ended: its disk cannot be written[^]*\(No space left on device\)/,
      );
      assert.deepEqual(
        readdirSync(disk).filter((name) => name.includes(run.runId)),
        [],
      );
    } finally {
      await runOrThrow(local, { argv: ['umount', '--lazy', disk] }, LIMITS);
      rmSync(disk, { recursive: true });
    }
  });

  it('ends when QEMU is killed in the middle of it', async () => {
    const run = await start();
    await run.event(({ kind }) => kind === 'phase');
    const all = suspects(run.runId, cacheDir, run.pid);
    process.kill(await machineOf(run), 'SIGKILL');
    const stderr = await endOf(run, all);
    assert.match(
      stderr,
      /stopping: QEMU of worker-1 ended by itself \(SIGKILL\)[^]*its console (ended with|is empty)/,
    );
  });
});
