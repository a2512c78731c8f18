/** Bad scenarios are refused with file:line:col, what was found and what is allowed; nothing else happens. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CoalmineError } from '../../../harness/core/errors.ts';
import { planFrom } from '../../../harness/run/plan-from.ts';
import { parseOverride } from '../../../harness/run/overrides.ts';
import {
  loadScenario,
  parseScenario,
  shippedScenarios,
} from '../../../harness/run/scenario-file.ts';

const GOOD = `name: mine
why: because
phases:
  - { name: hold, for: 5s }
checks:
  node-ready: {}
`;

function complaint(text: string, set: string[] = []): string {
  try {
    parseScenario('s.yaml', text, set.map(parseOverride));
  } catch (error) {
    assert.ok(error instanceof CoalmineError, String(error));
    assert.equal(error.code, 'usage');
    return error.message;
  }
  return assert.fail('was accepted');
}

describe('a scenario file', () => {
  it('is read with defaults', () => {
    const { scenario } = parseScenario('s.yaml', GOOD);
    assert.equal(scenario.nodes, 2);
    assert.equal(scenario.phases[0]?.for, 5_000);
  });

  const cases: [string, string, RegExp][] = [
    [
      'an unknown key',
      GOOD.replace('why:', 'whhy:'),
      /^s\.yaml:2:1: whhy: .*; allowed here: name, why/m,
    ],
    [
      'a nested unknown key',
      GOOD.replace('for: 5s', 'for: 5s, fr: 1'),
      /^s\.yaml:4:28: phases\.0\.fr: .*allowed here: name, for/m,
    ],
    [
      'a duration without a unit',
      GOOD.replace('5s', '5'),
      /^s\.yaml:4:\d+: phases\.0\.for: 5 has no unit; write a duration with its unit/m,
    ],
    [
      'a wrong unit',
      GOOD.replace('5s', '5sec'),
      /^s\.yaml:4:\d+: phases\.0\.for: '5sec' is not a duration/m,
    ],
    [
      'a phase of no time',
      GOOD.replace('5s', '0s'),
      /^s\.yaml:4:\d+: phases\.0\.for: it must last longer than no time at all/m,
    ],
    [
      'a check that looks again without a pause',
      GOOD.replace('node-ready: {}', 'irq-spread: { interval: 0s }'),
      /checks\.irq-spread\.interval: it must last longer/m,
    ],
    ['a duplicate key', `${GOOD}name: again\n`, /^s\.yaml:7:1: Map keys must be unique/m],
    ['no phases', 'name: x\nwhy: y\nchecks: { node-ready: {} }\n', /phases/],
    [
      'no checks',
      GOOD.replace('checks:\n  node-ready: {}', 'checks: {}'),
      /^s\.yaml:5:1: checks: name at least one check/m,
    ],
    [
      'an unknown check',
      GOOD.replace('node-ready', 'node-redy'),
      /^s\.yaml:6:3: checks\.node-redy: .*allowed here: .*node-ready/m,
    ],
    [
      'an unknown fault',
      GOOD.replace('for: 5s', 'for: 5s, fault: { freez: {} }'),
      /^s\.yaml:4:\d+: phases\.0\.fault\.freez: .*allowed here: .*freeze/m,
    ],
    [
      'a wrong parameter of a fault',
      GOOD.replace('for: 5s', 'for: 5s, fault: { freeze: { node: moon } }'),
      /phases\.0\.fault\.freeze\.node/,
    ],
    [
      'two faults in one',
      GOOD.replace(
        'for: 5s',
        'for: 5s, fault: { freeze: { node: canary, for: 5s }, drop-packets: { node: canary, count: 3 } }',
      ),
      /name exactly one fault/,
    ],
    [
      'two phases of one name',
      GOOD.replace('for: 5s }', 'for: 5s }\n  - { name: hold, for: 5s }'),
      /^s\.yaml:5:\d+: phases\.1\.name: a second phase named hold/m,
    ],
    [
      'a version with a v',
      `${GOOD}components: { kubernetes: v1.34.3 }\n`,
      /^s\.yaml:7:15: components\.kubernetes: a Kubernetes version, .* without a leading v/m,
    ],
    [
      'an irqbalance without Debian’s revision',
      `${GOOD}components: { irqbalance: 1.7.0 }\n`,
      /^s\.yaml:7:15: components\.irqbalance: Debian’s whole version, with its revision/m,
    ],
    [
      'a kubelet of no whole version',
      `${GOOD}components: { kubernetes: 1.34.3, canary-kubelet: "1.33" }\n`,
      /^s\.yaml:7:35: components\.canary-kubelet: a Kubernetes version, MAJOR\.MINOR\.PATCH/m,
    ],
    [
      'a kubelet in an axis that is none',
      `${GOOD}matrix: { kubelet: [1.33.0, latest] }\n`,
      /^s\.yaml:7:29: matrix\.kubelet\.1: a Kubernetes version/m,
    ],
    [
      'a version that YAML reads as a number',
      `${GOOD}components: { kubernetes: 1.34 }\n`,
      /components\.kubernetes/,
    ],
    [
      'a check that names no phase of it',
      `${GOOD}  drop-count: { baseline: basline }\n`,
      /^s\.yaml:7:\d+: checks\.drop-count\.baseline: this scenario has no phase basline; there are: hold/m,
    ],
    [
      'a check that names no fault of it',
      `${GOOD}  softirq-stall: { during: ipvs-tabel }\n`,
      /checks\.softirq-stall\.during: this scenario has no fault ipvs-tabel; there is none/,
    ],
    [
      'a check that names no load of it',
      `${GOOD}  dns: { loads: [nope] }\n`,
      /checks\.dns\.loads\.0: this scenario has no load nope/,
    ],
    ['not YAML', 'name: [\n', /^s\.yaml:\d+:\d+: /m],
    ['a list', '- a\n', /a scenario is a mapping/],
    ['nothing', '', /a scenario is a mapping/],
    ['a YAML bomb', bomb(), /alias/i],
  ];
  for (const [title, text, expected] of cases) {
    it(`refuses ${title}`, () => {
      assert.match(complaint(text), expected);
    });
  }

  it('names the override, not a line, where the override is wrong', () => {
    assert.match(complaint(GOOD, ['nodes=many']), /^--set nodes=many: nodes: /m);
  });

  it('says which file is missing, and which names exist', () => {
    assert.throws(
      () => loadScenario('./no/such.yaml'),
      (error) =>
        error instanceof CoalmineError &&
        error.code === 'usage' &&
        /no\/such\.yaml/.test(error.message),
    );
    assert.throws(
      () => loadScenario('no-such'),
      (error) => error instanceof CoalmineError && (error.wayOut ?? '').includes('upgrade-smoke'),
    );
  });

  it('is refused when it is too large', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'coalmine-test-'));
    try {
      writeFileSync(path.join(folder, 'big.yaml'), `${GOOD}# ${'x'.repeat(300_000)}\n`);
      assert.throws(() => loadScenario(path.join(folder, 'big.yaml')), /larger than 256 KiB/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  for (const name of shippedScenarios()) {
    it(`ships ${name} valid, under its own name`, () => {
      assert.equal(loadScenario(name).scenario.name, name);
    });

    it(`can run every cell of ${name}`, () => {
      const { plans, skipped } = planFrom({ scenario: name, set: [] });
      assert.deepEqual([plans.length > 0, skipped], [true, []]);
    });
  }
});

function bomb(): string {
  const levels = Array.from(
    { length: 9 },
    (_, level) => `l${level + 1}: &l${level + 1} [${Array(9).fill(`*l${level}`).join(', ')}]`,
  );
  return `l0: &l0 [x, x]\n${levels.join('\n')}\n`;
}
