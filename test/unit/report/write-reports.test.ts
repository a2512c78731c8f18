import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hasCode } from '../../../harness/core/errors.ts';
import { judgedCell, matrixResult, skippedCell } from '../../../harness/report/matrix-result.ts';
import { readResult } from '../../../harness/report/read-result.ts';
import { verdictJsonSchema } from '../../../harness/report/verdict-schema.ts';
import {
  appendStepSummary,
  writeAll,
  writeMatrixReports,
  writeRunReports,
} from '../../../harness/report/write-reports.ts';
import { FAILED, resultOf } from '../../support/result.ts';
import { outlineXml } from '../../support/xml-outline.ts';

const SCHEMA = new URL('../../../harness/report/verdict.schema.json', import.meta.url);

describe('reports', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'coalmine-report-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  it('of a run are written whole, and the verdict can be read back', () => {
    assert.deepEqual(writeRunReports(dir, FAILED).errors, []);
    assert.deepEqual(readdirSync(dir).sort(), ['junit.xml', 'summary.md', 'verdict.json']);
    const read = readResult(dir);
    // What JSON cannot hold (half a surrogate) is no concern of the round trip.
    assert.equal(read.kind === 'run' && read.findings.length, 3);
    writeRunReports(dir, resultOf());
    assert.deepEqual(readResult(dir), resultOf());
  });

  it('of a matrix are over its cells', () => {
    const first = resultOf({ cell: 'proxyMode=iptables' });
    const cells = [
      judgedCell(first, 'cells/a'),
      skippedCell({ scenario: 'example', cell: 'proxyMode=ipvs' }, 'no ip_vs'),
    ];
    const matrix = matrixResult('example', cells);
    assert.deepEqual(writeMatrixReports(dir, matrix, [first]).errors, []);
    assert.deepEqual(readResult(dir), matrix);
    const root = outlineXml(readFileSync(path.join(dir, 'junit.xml'), 'utf8'));
    assert.deepEqual(
      root.children.map(({ attributes }) => attributes['name']),
      ['example [proxyMode=iptables]', 'example [proxyMode=ipvs]'],
    );
  });

  it('that throw are told of, and hide neither the verdict nor another report', () => {
    mkdirSync(path.join(dir, 'junit.xml'));
    const { files, errors } = writeRunReports(dir, resultOf());
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? '', /junit\.xml could not be written/);
    assert.deepEqual(
      files.map((file) => path.basename(file)),
      ['verdict.json', 'summary.md'],
    );
    const broken = () => {
      throw new Error('boom');
    };
    const both = writeAll(dir, [
      { file: 'a', render: broken },
      { file: 'b', render: () => 'fine' },
    ]);
    assert.deepEqual([both.files.length, both.errors.length], [1, 1]);
  });

  it('go to the page of a CI job, after what is there', () => {
    const file = path.join(dir, 'step.md');
    writeFileSync(file, 'before\n');
    assert.deepEqual(appendStepSummary(file, resultOf()).errors, []);
    assert.match(readFileSync(file, 'utf8'), /^before\n# PASS: example\n/);
    assert.equal(appendStepSummary(dir, resultOf()).errors.length, 1);
  });

  it('cannot be made from what is no verdict', () => {
    for (const content of [undefined, '{', '{"version":2,"kind":"run"}']) {
      if (content !== undefined) writeFileSync(path.join(dir, 'verdict.json'), content);
      assert.throws(
        () => readResult(dir),
        (error) => hasCode(error, 'history'),
      );
    }
  });

  it('have the published schema of the verdict (COALMINE_UPDATE=1 writes it anew)', () => {
    const schema = `${JSON.stringify(verdictJsonSchema(), undefined, 2)}\n`;
    if (process.env['COALMINE_UPDATE'] === '1') writeFileSync(SCHEMA, schema);
    assert.deepEqual(JSON.parse(readFileSync(SCHEMA, 'utf8')), JSON.parse(schema));
  });
});
