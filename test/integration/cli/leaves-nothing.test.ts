/**
 * A run ends in every way there is, and nothing of it is left on this machine: through the real CLI, with a real cluster,
 * a load and a frozen node each time.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { defaultCacheDir } from '../../../harness/components/cache-folder.ts';
import { waitFor } from '../../../harness/core/deadline.ts';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import { replay } from '../../../harness/disrupt/journal.ts';
import { findEngine } from '../../../harness/providers/kind/engine-find.ts';
import type { RunResult } from '../../../harness/core/result.ts';
import { coalmine, eventsOf, startCliRun, type CliRun } from '../../support/cli.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';
import {
  hostNetwork,
  suspects,
  traces,
  type Suspects,
  type TraceKind,
} from '../../support/traces.ts';

const SCENARIO = path.resolve(import.meta.dirname, '../../support/endings.yaml');
const SHORT = ['--set', 'phases.1.for=2s', '--set', 'phases.1.fault.freeze.for=1s'] as const;
const REPORTS = ['verdict.json', 'junit.xml', 'summary.md'] as const;
/** Signals that come closer together than this count as one: a terminal and npm both send it. */
const AGAIN_MS = 1_200;

/** What every run has while it lives, whichever engine it uses. */
const ALWAYS: readonly TraceKind[] = [
  'process',
  'container',
  'network',
  'volume',
  'folder',
  'state',
];
/** What only a private engine puts below the run itself. */
const PRIVATE: readonly TraceKind[] = ['namespace', 'mount', 'link', 'rule', 'cgroup', 'lock'];

describe('a run leaves nothing', function () {
  this.timeout(1_200_000);
  const cacheDir = defaultCacheDir(process.env);
  let reports = '';
  let host: string[] = [];
  let expected: readonly TraceKind[] = ALWAYS;
  let living: (CliRun & { suspects?: Suspects }) | undefined;

  before(async function () {
    if (!isRoot())
      skipOrFail(this, 'other users’ processes and namespaces can be seen by root only');
    const choice = await findEngine({ cacheDir }).catch((error: unknown) =>
      skipOrFail(this, String(error)),
    );
    if (choice.kind === 'private') expected = [...ALWAYS, ...PRIVATE];
  });

  beforeEach(async () => {
    reports = mkdtempSync(path.join(os.tmpdir(), 'coalmine-test-'));
    host = await hostNetwork();
  });

  afterEach(async () => {
    const { runId, pid } = living ?? {};
    living?.suspects?.release();
    living = undefined;
    rmSync(reports, { recursive: true, force: true });
    // A test that failed must not leave its run behind.
    if (pid !== undefined && existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
    if (runId !== undefined) await coalmine(['clean', runId, '--all']);
  });

  /** Returns the run when `fits` has happened, with everything that it has; each kind must be seen. */
  async function runUntil(
    fits: (event: HistoryEvent) => boolean,
    ...args: string[]
  ): Promise<CliRun & { suspects: Suspects }> {
    const run = await startCliRun(reports, [SCENARIO, ...args]);
    living = run;
    await run.event(fits);
    const all = suspects(run.runId, cacheDir, run.pid);
    living = { ...run, suspects: all };
    const seen = new Set((await traces(all)).map(({ kind }) => kind));
    assert.deepEqual(
      expected.filter((kind) => !seen.has(kind)),
      [],
      'kinds that are not seen alive',
    );
    return { ...run, suspects: all };
  }

  async function assertNothing(run: { suspects: Suspects }): Promise<void> {
    assert.deepEqual(await traces(run.suspects), []);
    // Others on this machine may make links meanwhile, and take them away again.
    const news = await waitFor({ what: 'the host as it was', timeoutMs: 20_000 }, async () =>
      (await hostNetwork()).some((line) => !host.includes(line)) ? undefined : true,
    ).catch(async () => (await hostNetwork()).filter((line) => !host.includes(line)));
    assert.equal(news, true);
  }

  function assertUndone({ dir }: CliRun): void {
    const journal = readFileSync(path.join(dir, 'undo.ndjson'), 'utf8');
    assert.match(journal, /"state":"injected"/);
    assert.deepEqual(replay(journal).inForce, []);
  }

  function last({ dir }: CliRun): HistoryEvent | undefined {
    return eventsOf(dir).findLast(({ kind }) => kind === 'run');
  }

  const hasReports = ({ dir }: CliRun): boolean[] =>
    REPORTS.map((file) => existsSync(path.join(dir, file)));

  it('at its normal end, and what it recorded can be judged and reported again', async () => {
    const run = await runUntil((event) => event.kind === 'churn', ...SHORT);
    const { exitCode, stderr } = await run.ended;
    assert.ok(exitCode === 0 || exitCode === 3, `exit code ${exitCode}\n${stderr}`);
    assert.deepEqual(hasReports(run), [true, true, true]);
    assertUndone(run);
    await assertNothing(run);
    const verdict = readVerdict(run.dir);
    const checked = await coalmine(['check', run.dir, '--json']);
    assert.equal(checked.exitCode, exitCode, checked.stderr);
    assert.deepEqual((JSON.parse(checked.stdout) as RunResult).findings, verdict.findings);
    const written = REPORTS.filter((file) => file !== 'verdict.json');
    for (const file of written) rmSync(path.join(run.dir, file));
    const reported = await coalmine(['report', run.dir]);
    assert.equal(reported.exitCode, 0, reported.stderr);
    for (const file of written) assert.ok(reported.stdout.includes(path.join(run.dir, file)));
    assert.deepEqual(hasReports(run), [true, true, true]);
    assert.deepEqual(readVerdict(run.dir), verdict);
  });

  it('when it fails in the middle', async () => {
    const nowhere = ['--set', 'phases.2.fault.stop-process.unit=no-such-program'];
    const run = await runUntil((event) => event.kind === 'churn', ...SHORT, ...nowhere);
    const { exitCode, stderr } = await run.ended;
    assert.ok(exitCode === 1 || exitCode === 3, `exit code ${exitCode}\n${stderr}`);
    assert.match(stderr, /no process named no-such-program runs on/);
    assert.deepEqual(hasReports(run), [true, true, true]);
    await assertNothing(run);
  });

  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    it(`after ${signal} while a node is frozen, and its reports are there`, async () => {
      const run = await runUntil(isFelt);
      run.kill(signal);
      const ended = await run.ended;
      assert.equal(ended.exitCode, exitCode, ended.stderr);
      assert.deepEqual(hasReports(run), [true, true, true]);
      const end = last(run);
      assert.ok(end?.kind === 'run' && end.state === 'interrupted' && end.signal === signal);
      assertUndone(run);
      await assertNothing(run);
    });

  it('after a second SIGINT, which only skips the reports', async () => {
    const run = await runUntil(isFelt);
    await waitFor({ what: 'the second SIGINT', timeoutMs: 30_000, everyMs: AGAIN_MS }, () => {
      run.kill('SIGINT');
      return Promise.resolve(run.stderr().includes('only undoing') ? true : undefined);
    });
    const ended = await run.ended;
    assert.equal(ended.exitCode, 130, ended.stderr);
    assert.deepEqual(hasReports(run), [false, false, false]);
    assertUndone(run);
    await assertNothing(run);
  });

  it('after SIGKILL and `clean`, which needs no run directory and finds nothing the second time', async () => {
    const run = await runUntil(isFelt);
    run.kill('SIGKILL');
    await run.ended;
    rmSync(reports, { recursive: true });
    const found = await coalmine(['clean', '--dry-run']);
    assert.ok(found.stdout.includes(run.runId), found.stdout);
    const cleaned = await coalmine(['clean', run.runId]);
    assert.equal(cleaned.exitCode, 0, cleaned.stderr);
    assert.ok(cleaned.stdout.includes(run.runId));
    await assertNothing(run);
    const again = await coalmine(['clean', run.runId]);
    assert.deepEqual([again.exitCode, again.stdout], [0, '']);
  });
});

function isFelt(event: HistoryEvent): boolean {
  return event.kind === 'fault' && event.state === 'injected';
}

function readVerdict(dir: string): RunResult {
  return JSON.parse(readFileSync(path.join(dir, 'verdict.json'), 'utf8')) as RunResult;
}
