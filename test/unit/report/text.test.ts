import assert from 'node:assert/strict';
import fc from 'fast-check';
import { runMarkdown, matrixMarkdown } from '../../../harness/report/markdown.ts';
import { judgedCell, matrixResult, skippedCell } from '../../../harness/report/matrix-result.ts';
import { matrixText, runText, wantsColor } from '../../../harness/report/terminal.ts';
import { FAILED, findingOf, resultOf } from '../../support/result.ts';

const ESCAPE = String.fromCodePoint(27);
const matrix = matrixResult('example', [
  judgedCell(FAILED, 'cells/a'),
  skippedCell({ scenario: 'example', cell: 'proxyMode=ipvs' }, 'no ip_vs'),
]);

describe('summary.md', () => {
  it('says verdict, what is left, and each check', () => {
    const page = runMarkdown(FAILED);
    assert.match(page, /^# FAIL \(DIRTY\): example\n/);
    assert.match(page, /1 failed, 1 inconclusive, 1 passed/);
    assert.match(page, /Left on the target:[^]*undo of freeze/);
    assert.match(page, /\| drop-count \| fail \| w1: 37 drops \|/);
    assert.match(page, /exit code 5 \(something is left on the target/);
    assert.match(matrixMarkdown(matrix), /\| proxyMode=ipvs \| skipped \| no ip\\_vs \|/);
  });

  it('cannot be broken by what a cluster says', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('|', '<', '\n', '`', '\\', 'a', '[', '&') }),
        (summary) => {
          const page = runMarkdown(resultOf({ findings: [findingOf({ summary })] }));
          const rows = page.split('\n').filter((line) => line.startsWith('| dns'));
          assert.equal(rows.length, 1);
          const bare = rows[0]?.replaceAll(/\\[\\`*_[\]|]/g, '') ?? '';
          assert.equal(bare.split('|').length, 5);
          assert.ok(!bare.includes('<'));
        },
      ),
    );
  });
});

describe('terminal', () => {
  it('says verdict, each check, what breaks it, and the exit code', () => {
    const text = runText(FAILED, { color: false });
    assert.match(text, /^example: FAIL, DIRTY \(1 failed, 1 inconclusive, 1 passed\)\n/);
    assert.match(text, /fail +drop-count +w1: 37 drops\n/);
    assert.match(text, /pass +node-ready/);
    assert.match(text, /left on the target:\n +w1: the undo/);
    assert.match(text, /exit 5: /);
    assert.match(matrixText(matrix, { color: false }), /skipped +proxyMode=ipvs +no ip_vs/);
  });

  it('takes no orders from a cluster', () => {
    assert.ok(!runText(FAILED, { color: false }).includes(ESCAPE));
    assert.ok(runText(FAILED, { color: true }).includes(`${ESCAPE}[31mfail`));
    assert.ok(!runText(FAILED, { color: true }).includes(`${ESCAPE}[31m<b>`));
  });

  it('is coloured only for a terminal whose user did not refuse it', () => {
    assert.equal(wantsColor({ isTTY: true }, {}), true);
    assert.equal(wantsColor({}, {}), false);
    assert.equal(wantsColor({ isTTY: true }, { NO_COLOR: '1' }), false);
    assert.equal(wantsColor({ isTTY: true }, { NO_COLOR: '' }), true);
    assert.equal(wantsColor({ isTTY: true }, { TERM: 'dumb' }), false);
  });
});

describe('matrix result', () => {
  it('is the worst of the cells that ran, and skipped ones never pass', () => {
    const pass = judgedCell(resultOf({ cell: 'a' }), 'cells/a');
    const skipped = skippedCell({ scenario: 'example', cell: 'b' }, 'because');
    assert.equal(matrixResult('example', [pass, skipped]).exitCode, 0);
    assert.equal(matrixResult('example', [skipped]).verdict, 'inconclusive');
    assert.equal(matrixResult('example', [skipped]).exitCode, 3);
    assert.equal(matrix.exitCode, 5);
    assert.equal(matrix.verdict, 'fail');
    assert.equal(matrix.dirty, true);
  });
});
