/** A stored matrix is judged again from its files, without a cluster. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hasCode } from '../../../harness/core/errors.ts';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import type { Plan } from '../../../harness/core/plan.ts';
import { cellFolder } from '../../../harness/record/layout.ts';
import { createRunDirectory } from '../../../harness/record/run-directory.ts';
import {
  judgedCell,
  matrixResult,
  notRunCell,
  skippedCell,
} from '../../../harness/report/matrix-result.ts';
import { check, judgeEnded, reportRun } from '../../../harness/run/check.ts';
import { environmentOf, historyOf } from '../../support/history.ts';
import { limitFiles } from '../../support/limit-files.ts';
import { resultOf } from '../../support/result.ts';

describe('run/check', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'coalmine-check-'));
    mkdirSync(path.join(dir, 'cells'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  const folderOf = (cell: string) => path.join('cells', cellFolder(cell));
  function store(cell: string, more: Partial<Plan> = {}, happened: HistoryEvent[] = []): void {
    const { plan, events } = historyOf(
      { hold: 5 },
      { plan: { cell, checks: [{ name: 'node-ready', params: {} }], ...more }, events: happened },
    );
    const options = { folder: folderOf(cell), latest: false };
    const recorder = createRunDirectory(dir, plan, environmentOf(), options);
    for (const event of events) recorder.event(event);
    recorder.close();
  }
  function storeMatrix(): void {
    const cells = ['a=1', 'a=2'].map((cell) => {
      store(cell);
      return judgedCell(resultOf({ cell }), folderOf(cell));
    });
    const matrix = matrixResult('example', [
      ...cells,
      skippedCell({ scenario: 'example', cell: 'a=3' }, 'no ip_vs'),
    ]);
    writeFileSync(path.join(dir, 'verdict.json'), JSON.stringify(matrix));
  }

  it('judges every cell from its own history, and keeps what was skipped', () => {
    storeMatrix();
    const result = check(dir);
    assert.ok(result.kind === 'matrix');
    assert.deepEqual(
      result.cells.map(({ cell, outcome, verdict }) => `${cell} ${outcome} ${verdict ?? '-'}`),
      // The stored verdict said pass; nothing in these histories is evidence for it.
      ['a=1 judged inconclusive', 'a=2 judged inconclusive', 'a=3 skipped -'],
    );
    assert.deepEqual([result.verdict, result.exitCode], ['inconclusive', 3]);
    const written = JSON.parse(readFileSync(path.join(dir, 'verdict.json'), 'utf8')) as unknown;
    assert.deepEqual(written, JSON.parse(JSON.stringify(result)));
    assert.deepEqual(check(dir), result);
  });

  it('judges a control by what is stated about it', () => {
    const cells = (['fail', 'pass'] as const).map((expects) => {
      const cell = `known=${expects}`;
      const ready = ['w1', 'w2'].map((node): HistoryEvent => ({
        ...{ tMs: 10_001, kind: 'node-ready', node },
        ready: !(node === 'w1' && expects === 'fail'),
      }));
      store(cell, { expects }, ready);
      return notRunCell({ scenario: 'example', cell, folder: folderOf(cell), expects });
    });
    writeFileSync(path.join(dir, 'verdict.json'), JSON.stringify(matrixResult('example', cells)));
    const matrix = check(dir);
    assert.ok(matrix.kind === 'matrix');
    assert.deepEqual(
      matrix.cells.map(({ verdict, summary }) => [verdict, summary.split(';')[0]]),
      [
        ['pass', 'known bad, and it failed'],
        ['pass', 'known good, and it passed'],
      ],
    );
    assert.equal(matrix.exitCode, 0);
    assert.equal(check(path.join(dir, folderOf('known=fail'))).exitCode, 1);
  });

  it('writes the reports of a matrix again from its verdicts', () => {
    storeMatrix();
    check(dir);
    const files = reportRun(dir);
    assert.ok(files.length > 0);
    assert.ok(files.every((file) => readFileSync(file, 'utf8').length > 0));
  });

  it('judges one cell as a run, and writes nothing where nobody will wait for it', () => {
    store('a=1');
    const folder = path.join(dir, folderOf('a=1'));
    const { result } = judgeEnded(folder, { reports: false, lost: [] });
    assert.equal(result.cell, 'a=1');
    assert.throws(() => readFileSync(path.join(folder, 'verdict.json')), /ENOENT/);
    assert.equal(check(folder).kind, 'run');
    assert.ok(readFileSync(path.join(folder, 'verdict.json'), 'utf8').includes('a=1'));
  });

  it('makes it 4 where the reports of a run that has just ended do not fit', () => {
    store('a=1');
    const folder = path.join(dir, folderOf('a=1'));
    limitFiles(0);
    try {
      const { result, refused } = judgeEnded(folder, { reports: true, lost: [] });
      assert.deepEqual([result.state, result.exitCode], ['ended', 4]);
      assert.match(refused ?? '', /verdict\.json could not be written: .*\(and 2 more\)$/);
    } finally {
      limitFiles('unlimited');
    }
    assert.equal(check(folder).exitCode, 3);
  });

  it('refuses a folder that is no run', () => {
    rmSync(path.join(dir, 'cells'), { recursive: true });
    assert.throws(
      () => check(dir),
      (error) => hasCode(error, 'history'),
    );
  });
});
