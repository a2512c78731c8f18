/** The cells of a matrix, from a provider that gives no cluster: what is on the disk at every moment, and in the end. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CoalmineError } from '../../../harness/core/errors.ts';
import type { Plan } from '../../../harness/core/plan.ts';
import type { MatrixResult, RunResult } from '../../../harness/core/result.ts';
import type { Cluster } from '../../../harness/providers/provider.ts';
import { check, reportRun } from '../../../harness/run/check.ts';
import { openMatrixReport } from '../../../harness/run/matrix-report.ts';
import type { Planned } from '../../../harness/run/plan.ts';
import { runCells } from '../../../harness/run/run-cells.ts';
import { planOf } from '../../support/history.ts';
import { limitFiles } from '../../support/limit-files.ts';
import { stageOf } from '../../support/stage.ts';
import { outlineXml } from '../../support/xml-outline.ts';

describe('run/run-cells, of a matrix', () => {
  let reportsDir: string;
  let matrixDir: string;
  beforeEach(() => {
    reportsDir = mkdtempSync(path.join(tmpdir(), 'coalmine-cells-'));
    matrixDir = path.join(reportsDir, 'example-run');
    onSaid = () => undefined;
  });
  afterEach(() => {
    rmSync(reportsDir, { recursive: true });
  });

  const plans = ['a=1', 'a=2', 'a=3'].map((cell, index) =>
    planOf({ cell, runId: `run-${index + 1}`, checks: [{ name: 'node-ready', params: {} }] }),
  );
  const planned = {
    plans,
    skipped: [{ scenario: 'example', cell: 'a=4', because: 'no ip_vs' }],
  };

  let said: string[];
  let onSaid: (line: string) => void;
  /** @param provision runs where a cluster would be made; there is none in any case */
  async function runPlans(
    provision: (plan: Plan) => unknown,
    interruptedIn?: string,
    some: Planned = planned,
  ): Promise<RunResult | MatrixResult> {
    const interrupt = new AbortController();
    const caught = () => (interrupt.signal.aborted ? ('SIGTERM' as const) : undefined);
    said = [];
    const { document } = await runCells({
      planned: some,
      runId: 'run',
      reportsDir,
      keep: 'never',
      say: (line) => {
        said.push(line);
        onSaid(line);
      },
      terminal: false,
      interruption: {
        signal: interrupt.signal,
        impatient: new AbortController().signal,
        caught,
        hush: () => undefined,
        subscribe: () => () => undefined,
      },
      provider: {
        name: 'kind',
        refuses: () => [],
        preflight: () => Promise.resolve(),
        provision: ({ plan }) => {
          const cluster = provision(plan);
          if (plan.cell === interruptedIn) interrupt.abort();
          if (typeof cluster === 'object') return Promise.resolve(cluster as Cluster);
          return Promise.reject(new CoalmineError('provision', 'no cluster here'));
        },
      },
    }).finally(() => {
      limitFiles('unlimited');
    });
    return document;
  }
  async function run(...[provision, interruptedIn]: Parameters<typeof runPlans>) {
    const document = await runPlans(provision, interruptedIn);
    assert.ok(document.kind === 'matrix');
    return document;
  }

  const stored = () =>
    JSON.parse(readFileSync(path.join(matrixDir, 'verdict.json'), 'utf8')) as MatrixResult;
  const outcomes = ({ cells }: MatrixResult) =>
    cells.map(({ cell, outcome, exitCode }) => `${cell} ${outcome} ${exitCode}`);

  it('has its reports before the first cell and after each', async () => {
    const seen: string[][] = [];
    const matrix = await run(() => seen.push(outcomes(stored())));
    assert.deepEqual(seen, [
      ['a=1 not-run 3', 'a=2 not-run 3', 'a=3 not-run 3', 'a=4 skipped 0'],
      ['a=1 judged 4', 'a=2 not-run 3', 'a=3 not-run 3', 'a=4 skipped 0'],
      ['a=1 judged 4', 'a=2 judged 4', 'a=3 not-run 3', 'a=4 skipped 0'],
    ]);
    assert.deepEqual(stored(), JSON.parse(JSON.stringify(matrix)));
    assert.deepEqual([matrix.verdict, matrix.exitCode], ['inconclusive', 4]);
  });

  it('tells how each cell came out as soon as it has', async () => {
    await run(() => undefined);
    const about = said.filter((line) => line.startsWith('cell '));
    assert.equal(about[0], 'cell 1 of 3: a=1');
    assert.match(about[1] ?? '', /^cell a=1: inconclusive; \S+: \S/);
    assert.equal(about[2], 'cell 2 of 3: a=2');
  });

  it('can be judged from what a kill in its second cell leaves', async () => {
    const killed = path.join(reportsDir, 'killed');
    await run(({ cell }) => {
      // What is there at this moment is all that a killed process has written.
      if (cell === 'a=2') cpSync(matrixDir, killed, { recursive: true });
    });
    const matrix = check(killed);
    assert.ok(matrix.kind === 'matrix');
    assert.deepEqual(outcomes(matrix), [
      'a=1 judged 4',
      'a=2 judged 3',
      'a=3 not-run 3',
      'a=4 skipped 0',
    ]);
    assert.equal(matrix.verdict, 'inconclusive');
    assert.deepEqual(check(killed), matrix);
    assert.ok(reportRun(killed).length > 0);
    const suites = outlineXml(readFileSync(path.join(killed, 'junit.xml'), 'utf8')).children;
    assert.deepEqual(
      suites.slice(2).map(({ attributes }) => [attributes['errors'], attributes['skipped']]),
      [
        ['1', '0'],
        ['0', '1'],
      ],
    );
  });

  it('goes on after a cell in which coalmine itself fails', async () => {
    const matrix = await run(({ cell }) => {
      // The folder of the next cell is there already: its run directory cannot be made.
      if (cell === 'a=1') mkdirSync(path.join(matrixDir, 'cells', 'a=2'));
    });
    assert.deepEqual(outcomes(matrix), [
      'a=1 judged 4',
      'a=2 crashed 6',
      'a=3 judged 4',
      'a=4 skipped 0',
    ]);
    assert.match(matrix.cells[1]?.summary ?? '', /exists already/);
    assert.deepEqual([matrix.verdict, matrix.exitCode], ['inconclusive', 6]);
    assert.deepEqual(stored(), JSON.parse(JSON.stringify(matrix)));
  });

  it('names what an interruption left undone', async () => {
    const matrix = await run(() => undefined, 'a=2');
    assert.deepEqual(outcomes(matrix), [
      'a=1 judged 4',
      'a=2 judged 143',
      'a=3 not-run 143',
      'a=4 skipped 0',
    ]);
    assert.equal(matrix.exitCode, 143);
  });

  describe('whose disk is full', () => {
    // Whoever sends our stderr to a file has that limited, too.
    const overlook = (): void => undefined;
    before(() => process.stderr.on('error', overlook));
    after(() => process.stderr.off('error', overlook));
    afterEach(() => {
      limitFiles('unlimited');
    });
    const alone = { plans: [planOf({ runId: 'alone' })], skipped: [] };

    it('ends a run with 4, and says why its reports are missing in one line', async () => {
      const result = await runPlans(
        () => {
          limitFiles(0);
        },
        undefined,
        alone,
      );
      assert.ok(result.kind === 'run');
      const { exitCode, verdict, state, stateDetail, left } = result;
      assert.deepEqual([exitCode, verdict, state, left], [4, 'inconclusive', 'crashed', []]);
      assert.match(stateDetail, /events\.ndjson cannot be written: file too large$/);
      assert.deepEqual(said.slice(1), ['its reports could not be written either']);
      // Later, its files alone know no more than those of a run that was killed.
      const later = check(path.join(reportsDir, 'example-alone'));
      assert.ok(later.kind === 'run');
      assert.deepEqual([later.verdict, later.state, later.exitCode], ['inconclusive', 'killed', 3]);
    });

    it('ends a run with 5 where something is left that no file can tell of', async () => {
      const { stage } = stageOf([]);
      const result = await runPlans(
        () => {
          limitFiles(0);
          const collectLogs = () => Promise.resolve();
          const destroy = () => Promise.reject(new CoalmineError('command', 'still there'));
          const ready = Promise.reject(new CoalmineError('provision', 'never Ready'));
          ready.catch(() => undefined);
          return { ...stage.cluster, nodes: [], ready, collectLogs, destroy };
        },
        undefined,
        alone,
      );
      assert.ok(result.kind === 'run');
      assert.deepEqual([result.exitCode, result.left], [5, ['cluster: still there']]);
    });

    it('ends a run with 4 whose reports alone do not fit', async () => {
      const judged = (await runPlans(() => undefined, undefined, alone)) as RunResult;
      assert.equal(judged.exitCode, 4); // it has no cluster
      const fits = JSON.stringify(judged).length / 2;
      rmSync(path.join(reportsDir, 'example-alone'), { recursive: true });
      const result = await runPlans(
        () => {
          limitFiles(Math.round(fits));
        },
        undefined,
        alone,
      );
      assert.equal(result.exitCode, 4);
      assert.match(said.join('\n'), /verdict\.json could not be written: .*too large/);
      assert.deepEqual(
        readdirSync(path.join(reportsDir, 'example-alone')).filter((one) => one.endsWith('.new')),
        [],
      );
    });

    it('ends a matrix with 4: no further cell is begun, and no stack is shown', async () => {
      const begun: string[] = [];
      const matrix = await run(({ cell }) => {
        begun.push(cell);
        if (cell === 'a=2') limitFiles(0);
      });
      assert.deepEqual(begun, ['a=1', 'a=2']);
      assert.deepEqual(outcomes(matrix), [
        'a=1 judged 4',
        'a=2 judged 4',
        'a=3 not-run 3',
        'a=4 skipped 0',
      ]);
      assert.deepEqual([matrix.verdict, matrix.exitCode], ['inconclusive', 4]);
      assert.match(said.join('\n'), /no further cell is run/);
      assert.doesNotMatch(said.join('\n'), /^ +at /m);
    });

    it('ends a matrix with 4 in which not even the folder of a cell can be filled', async () => {
      onSaid = (line) => {
        if (line === 'cell 2 of 3: a=2') limitFiles(0);
      };
      const matrix = await run(() => undefined);
      assert.deepEqual(outcomes(matrix).slice(1, 3), ['a=2 crashed 4', 'a=3 not-run 3']);
      assert.equal(matrix.exitCode, 4);
      assert.doesNotMatch(said.join('\n'), /^ +at /m);
    });

    it('costs a matrix its good end where its own reports do not fit', () => {
      const report = openMatrixReport(
        { plans: [], skipped: planned.skipped },
        {
          ...{ reportsDir, folder: 'of-nothing' },
          say: (line) => said.push(line),
        },
      );
      said = [];
      limitFiles(0);
      const { exitCode } = report.close();
      limitFiles('unlimited');
      assert.equal(exitCode, 4);
      assert.equal(said.length, 1);
    });
  });
});
