/** A scenario's controls as plans, from scenario files as people write them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hasCode } from '../../../harness/core/errors.ts';
import { describePlan } from '../../../harness/run/describe-plan.ts';
import { planFrom } from '../../../harness/run/plan-from.ts';

const KNOWN = `
knownBad: [{ kube-proxy: 1.33.1 }, { kube-proxy: 1.33.2 }]
knownGood: [{ kube-proxy: 1.34.3 }]
`;

describe('--known', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'coalmine-known-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function plan(more: string, options: { times?: number; set?: string[] } = {}) {
    const file = path.join(folder, 'own.yaml');
    writeFileSync(
      file,
      `name: own\nwhy: a test\nphases: [{ name: idle, for: 1s }]\nchecks: { drop-count: {} }\n${more}`,
    );
    const { times = 1, set = [] } = options;
    return planFrom({ scenario: file, set, runId: 'run', known: { times } });
  }
  const told = (more: string, options?: Parameters<typeof plan>[1]) =>
    plan(more, options).plans.map(
      ({ cell, expects, components }) =>
        `${cell}: ${components['kube-proxy'] ?? ''} must ${expects ?? ''}`,
    );
  const refused = (message: RegExp) => (error: unknown) =>
    hasCode(error, 'usage') && message.test(error.message);

  it('is one cell for each set of versions, which says how it must come out', () => {
    assert.deepEqual(told(KNOWN), [
      'known=bad,kube-proxy=1.33.1: 1.33.1 must fail',
      'known=bad,kube-proxy=1.33.2: 1.33.2 must fail',
      'known=good,kube-proxy=1.34.3: 1.34.3 must pass',
    ]);
    assert.match(describePlan(plan(KNOWN)), /control {5}known bad: it must fail/);
  });

  it('repeats all of them in rounds, each under its own name and run id', () => {
    const { plans } = plan(KNOWN, { times: 3 });
    assert.equal(plans.length, 9);
    assert.deepEqual(
      plans.slice(2, 5).map(({ cell, runId }) => `${runId} ${cell}`),
      [
        'run-3 known=good,kube-proxy=1.34.3,round=1',
        'run-4 known=bad,kube-proxy=1.33.1,round=2',
        'run-5 known=bad,kube-proxy=1.33.2,round=2',
      ],
    );
    assert.equal(new Set(plans.map(({ runId }) => runId)).size, 9);
    assert.equal(new Set(plans.map(({ cell }) => cell)).size, 9);
  });

  it('pins its versions over the scenario, over --set and over an axis; other axes stay', () => {
    const more = `${KNOWN}matrix: { kube-proxy: [1.34.3, 1.34.4], proxyMode: [iptables, nftables] }\n`;
    const cells = told(more, { set: ['kubernetes=1.34.4'] });
    assert.equal(cells.length, 6);
    assert.equal(cells[1], 'known=bad,kube-proxy=1.33.1,proxyMode=nftables: 1.33.1 must fail');
    const { plans } = plan(more, { set: ['kubernetes=1.34.4', 'kube-proxy=1.34.4'] });
    assert.deepEqual(
      plans.map(({ components }) => components['kube-proxy']),
      ['1.33.1', '1.33.1', '1.33.2', '1.33.2', '1.34.3', '1.34.3'],
    );
  });

  it('names a control that no provider can serve as one', () => {
    const { plans, skipped } = plan('knownBad: [{ iptables: 9.9.9 }]\nknownGood: [{}]\n');
    assert.deepEqual(
      [plans.map(({ cell }) => cell), skipped.map(({ cell, expects }) => [cell, expects])],
      [['known=good'], [['known=bad,iptables=9.9.9', 'fail']]],
    );
  });

  it('is refused where nothing is stated, or two things about the same', () => {
    assert.throws(() => plan(''), refused(/neither knownBad nor knownGood/));
    assert.throws(
      () => plan('knownBad: [{ kube-proxy: 1.33.1 }]\nknownGood: [{ kube-proxy: 1.33.1 }]\n'),
      refused(/known=good,kube-proxy=1\.33\.1 are stated twice/),
    );
    for (const times of [0, 1.5, Number.NaN, 65])
      assert.throws(() => plan(KNOWN, { times }), refused(/--times .*whole number/));
    assert.throws(() => plan(KNOWN, { times: 30 }), refused(/90 controls.*at most 64/));
  });
});
