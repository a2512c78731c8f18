/** From a scenario's text to plans: no cluster, no engine. */
import assert from 'node:assert/strict';
import { CoalmineError } from '../../../harness/core/errors.ts';
import { parseOverride } from '../../../harness/run/overrides.ts';
import { planScenario, type Planned, type PlanOptions } from '../../../harness/run/plan.ts';
import { parseScenario } from '../../../harness/run/scenario-file.ts';

const HEAD = `name: mine
why: because
components: { kubernetes: 1.34.3 }
checks: { node-ready: {} }
`;
const HOLD = 'phases: [{ name: hold, for: 5s }]\n';

function planned(text: string, set: string[] = [], options: Partial<PlanOptions> = {}): Planned {
  const file = parseScenario('s.yaml', HEAD + text, set.map(parseOverride));
  return planScenario(file, { runId: 'r', provider: 'kind', ...options });
}

const cells = ({ plans, skipped }: Planned) => [
  ...plans.map(({ runId, cell }) => `${runId} ${cell}`),
  ...skipped.map(({ cell, because }) => `${cell}: ${because}`),
];

function upgrades(phases: string, more = '', set: string[] = []): Planned {
  return planned(`phases:\n${phases}${more}`, set);
}
const up = (name: string, to: string, on: string) =>
  `  - { name: ${name}, for: 1s, upgrade: { component: kube-proxy, to: ${to}, on: ${on} } }\n`;

describe('a scenario without a matrix', () => {
  it('is one plan with the run id itself, the versions in it and parameters as written', () => {
    const { plans, skipped } = planned(
      'load: { lookups: { from: all, run: { dns-pairs: { rate: 40 } } } }\n' +
        'phases: [{ name: stop, for: 15s, fault: { freeze: { for: 5s } } }]\n',
    );
    assert.deepEqual(skipped, []);
    const [plan] = plans;
    assert.deepEqual([plans.length, plan?.runId, plan?.cell, plan?.provider], [1, 'r', '', 'kind']);
    assert.deepEqual(plan?.components, { kubernetes: '1.34.3', 'kube-proxy': '1.34.3' });
    assert.deepEqual(plan.load, [
      { name: 'dns-pairs', params: { rate: 40 }, id: 'lookups', from: 'all' },
    ]);
    assert.deepEqual(plan.phases, [
      { name: 'stop', forMs: 15_000, fault: { name: 'freeze', params: { for: '5s' } } },
    ]);
    assert.deepEqual(plan.checks, [{ name: 'node-ready', params: {} }]);
  });

  it('is skipped with what the provider refuses', () => {
    assert.match(cells(planned(HOLD, ['iptables=9.9']))[0] ?? '', /^: kind: no Debian release/);
    assert.deepEqual(cells(planned(HOLD, [], { provider: 'kubeconfig' })), [
      ': there is no provider named kubeconfig in this version of coalmine',
    ]);
  });

  it('is refused where this machine’s kernel lacks what the proxy mode needs', () => {
    const text = `${HOLD}proxyMode: ipvs\n`;
    assert.equal(planned(text, [], { host: { ipvs: true } }).plans.length, 1);
    assert.equal(planned(text, [], { host: { ipvs: undefined } }).plans.length, 1);
    assert.match(
      cells(planned(text, [], { host: { ipvs: false } }))[0] ?? '',
      /kernel, which has no ip_vs/,
    );
  });

  it('notes a skew that Kubernetes does not support', () => {
    assert.deepEqual(planned(HOLD).plans[0]?.notes, []);
    assert.equal(planned(HOLD, ['kube-proxy=1.30.0']).plans[0]?.notes.length, 1);
  });

  it('refuses what is no version of Kubernetes', () => {
    assert.throws(
      () => planned(HOLD, ['kubernetes=1.34']),
      (error) =>
        error instanceof CoalmineError && error.code === 'usage' && /1\.34 /.test(error.message),
    );
  });
});

describe('a matrix', () => {
  const MATRIX = 'matrix: { proxyMode: [iptables, nftables], kube-proxy: [1.34.3, 1.34.4] }\n';

  it('is numbered through, skipped cells included, so that an id always means the same cell', () => {
    const exclude =
      'exclude: [{ when: { proxyMode: iptables, kube-proxy: 1.34.4 }, because: known }]\n';
    assert.deepEqual(cells(planned(HOLD + MATRIX + exclude)), [
      'r-1 proxyMode=iptables,kube-proxy=1.34.3',
      'r-3 proxyMode=nftables,kube-proxy=1.34.3',
      'r-4 proxyMode=nftables,kube-proxy=1.34.4',
      'proxyMode=iptables,kube-proxy=1.34.4: known',
    ]);
  });

  it('skips a cell that the provider refuses, and keeps the others', () => {
    const [good, refused] = cells(planned(`${HOLD}matrix: { iptables: [1.8.9, 1.8.99] }\n`));
    assert.equal(good, 'r-1 iptables=1.8.9');
    assert.match(
      refused ?? '',
      /^iptables=1\.8\.99: kind: no Debian release ships iptables 1\.8\.99/,
    );
  });

  it('excludes what was pinned by --set too', () => {
    const exclude = 'exclude: [{ when: { proxyMode: nftables }, because: known }]\n';
    const set = ['proxyMode=nftables', 'kube-proxy=1.34.4'];
    assert.deepEqual(cells(planned(HOLD + MATRIX + exclude, set)), [': known']);
  });

  it('is refused where it is too large', () => {
    const many = Array.from({ length: 65 }, (_, index) => `1.34.${index}`).join(', ');
    assert.throws(
      () => planned(`${HOLD}matrix: { kube-proxy: [${many}] }\n`),
      /65 cells; at most 64/,
    );
  });

  for (const [title, text, expected] of [
    [
      'a value twice in one axis',
      'matrix: { proxyMode: [ipvs, ipvs] }\n',
      /matrix\.proxyMode\.1: ipvs is in/,
    ],
    [
      'an exclusion by an axis that is none',
      'exclude: [{ when: { proxymode: ipvs }, because: x }]\n',
      /exclude\.0\.when\.proxymode: there is no such axis; allowed here: proxyMode/,
    ],
  ] as const) {
    it(`is refused with ${title}`, () => {
      assert.throws(() => planned(HOLD + text), expected);
    });
  }
});

describe('an upgrade in a plan', () => {
  const TO = 'upgradeTo: { kube-proxy: 1.34.4 }\n';
  const targets = ({ plans }: Planned) =>
    plans[0]?.phases.map(({ upgrade }) => `${upgrade?.to} on ${upgrade?.on}`);

  it('knows `new`, `stable` and a version', () => {
    const phases = up('a', 'new', 'all') + up('b', 'stable', 'canary') + up('c', '1.34.5', 'rest');
    assert.deepEqual(targets(upgrades(phases, TO)), [
      '1.34.4 on all',
      '1.34.3 on canary',
      '1.34.5 on rest',
    ]);
    const set = ['kube-proxy=1.34.2', 'upgradeTo.kube-proxy=1.35.0'];
    assert.equal(
      targets(upgrades(phases, TO, set))
        ?.slice(0, 2)
        .join(),
      '1.35.0 on all,1.34.2 on canary',
    );
  });

  it('refuses `to: new` where nothing says what is new', () => {
    assert.throws(
      () => upgrades(up('a', 'new', 'all')),
      (error) => error instanceof CoalmineError && error.code === 'usage' && !!error.wayOut,
    );
  });

  it('to what is there already is skipped, before a cluster is made for it', () => {
    assert.deepEqual(cells(upgrades(up('a', 'stable', 'all'))), [
      ': kind: phase a: kube-proxy is 1.34.3 on `all` already',
    ]);
    const steps = up('a', 'new', 'canary') + up('b', 'new', 'all') + up('c', 'new', 'rest');
    assert.deepEqual(cells(upgrades(steps, TO)), [
      ': kind: phase c: kube-proxy is 1.34.4 on `rest` already',
    ]);
  });
});

describe('a selector that no node answers to', () => {
  for (const [title, text, expected] of [
    [
      'load',
      'load: { a: { run: { dns-pairs: {} } } }\n' + HOLD,
      ': kind: load a: no node is `worker`',
    ],
    [
      'fault',
      'phases: [{ name: f, for: 9s, fault: { freeze: { node: rest, for: 5s } } }]\n',
      ': kind: phase f: no node is `rest`',
    ],
    ['upgrade', `phases:\n${up('u', '1.34.4', 'rest')}`, ': kind: phase u: no node is `rest`'],
  ] as const) {
    it(`of a ${title} is known from the plan`, () => {
      assert.deepEqual(cells(planned(`${text}nodes: 1\n`)), [`${expected} where \`nodes\` is 1`]);
      assert.equal(planned(`${text}nodes: 2\n`).plans.length, 1);
    });
  }
});
