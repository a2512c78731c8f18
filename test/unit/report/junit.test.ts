import assert from 'node:assert/strict';
import fc from 'fast-check';
import { junitXml } from '../../../harness/report/junit.ts';
import { skippedCell } from '../../../harness/report/matrix-result.ts';
import { escapeXml } from '../../../harness/report/xml.ts';
import { FAILED, findingOf, resultOf } from '../../support/result.ts';
import { outlineXml, type Outline } from '../../support/xml-outline.ts';

const outcomes = (suite: Outline): Record<string, string[]> =>
  Object.fromEntries(
    suite.children
      .filter(({ name }) => name === 'testcase')
      .map(({ attributes, children }) => [
        attributes['name'] ?? '',
        children.map(({ name }) => name),
      ]),
  );

describe('junit', () => {
  it('has a suite a scenario, a case a checker, and a kind a verdict', () => {
    const root = outlineXml(junitXml([{ result: FAILED }]));
    const [suite] = root.children;
    assert.ok(suite);
    assert.deepEqual(outcomes(suite), {
      'drop-count': ['failure'],
      dns: ['error'],
      'node-ready': ['system-out'],
      'left-nothing-behind': ['failure'],
    });
    assert.deepEqual(
      ['name', 'tests', 'failures', 'errors', 'skipped'].map((key) => suite.attributes[key]),
      ['example', '4', '2', '1', '0'],
    );
    assert.equal(root.attributes['failures'], '2');
    const properties = suite.children[0]?.children.map(({ attributes }) => attributes['name']);
    assert.ok(properties?.includes('kube-proxy'));
  });

  it('names the hole of a cell that was not run', () => {
    const cell = skippedCell(
      { scenario: 'example', cell: 'proxyMode=ipvs' },
      'this kernel has no ip_vs',
    );
    const result = resultOf({ cell: 'proxyMode=iptables' });
    const root = outlineXml(junitXml([{ result }, { unjudged: cell }]));
    const skipped = root.children[1];
    assert.equal(skipped?.attributes['name'], 'example [proxyMode=ipvs]');
    assert.equal(skipped.attributes['skipped'], '1');
    assert.equal(
      skipped.children[0]?.children[0]?.attributes['message'],
      'this kernel has no ip_vs',
    );
    assert.equal(root.attributes['skipped'], '1');
  });

  it('has names that hold nothing measured', () => {
    const names = (summary: string, runId: string) => {
      const findings = [findingOf({ verdict: 'fail', summary })];
      const [suite] = outlineXml(junitXml([{ result: resultOf({ runId, findings }) }])).children;
      return [suite?.attributes['name'], Object.keys(suite === undefined ? {} : outcomes(suite))];
    };
    assert.deepEqual(names('37 drops', 'a'), names('38 drops', 'b'));
  });

  it('stays well-formed whatever the cluster says, and gives it back but for what XML cannot hold', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom(
          '<',
          '&',
          ']]>',
          '"',
          "'",
          '\u0000',
          '\ud800',
          '\n',
          'é',
          '\u{1F600}',
        ),
      }),
    );
    fc.assert(
      fc.property(text, text, (summary, detail) => {
        const findings = [findingOf({ verdict: 'fail', summary, details: [detail, 'last'] })];
        const [suite] = outlineXml(junitXml([{ result: resultOf({ findings }) }])).children;
        const failure = suite?.children.find(({ name }) => name === 'testcase')?.children[0];
        const held = (given: string) =>
          Array.from(given)
            .filter((character) =>
              /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]$/u.test(character),
            )
            .join('');
        assert.equal(failure?.attributes['message'], held(summary));
        assert.ok(failure.text.startsWith(held(detail)));
      }),
    );
  });

  it('escapes', () => {
    assert.equal(escapeXml('a<b>&"\'\u0007\ud800\n'), 'a&lt;b&gt;&amp;&quot;&apos;&#10;');
  });
});
