/** The cells of a matrix, from a provider that gives no cluster: what is on the disk at every moment, and in the end. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CoalmineError } from '../../../harness/core/errors.ts';
import type { Plan } from '../../../harness/core/plan.ts';
import type { MatrixResult } from '../../../harness/core/result.ts';
import { check, reportRun } from '../../../harness/run/check.ts';
import { runCells } from '../../../harness/run/run-cells.ts';
import { planOf } from '../../support/history.ts';
import { outlineXml } from '../../support/xml-outline.ts';

describe('run/run-cells, of a matrix', () => {
  let reportsDir: string;
  let matrixDir: string;
  beforeEach(() => {
    reportsDir = mkdtempSync(path.join(tmpdir(), 'coalmine-cells-'));
    matrixDir = path.join(reportsDir, 'example-run');
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

  /** @param provision runs where a cluster would be made; there is none in any case */
  async function run(
    provision: (plan: Plan) => void,
    interruptedIn?: string,
  ): Promise<MatrixResult> {
    const interrupt = new AbortController();
    const caught = () => (interrupt.signal.aborted ? ('SIGTERM' as const) : undefined);
    const { document } = await runCells({
      planned,
      runId: 'run',
      reportsDir,
      keep: 'never',
      say: () => undefined,
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
          provision(plan);
          if (plan.cell === interruptedIn) interrupt.abort();
          return Promise.reject(new CoalmineError('provision', 'no cluster here'));
        },
      },
    });
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
});
