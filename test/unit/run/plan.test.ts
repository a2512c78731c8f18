/** From a scenario's text to plans: no cluster, no engine. */
import assert from 'node:assert/strict';
import { CoalmineError } from '../../../harness/core/errors.ts';
import { parseOverride } from '../../../harness/run/overrides.ts';
import { emptyHanded } from '../../../harness/run/plan-targets.ts';
import { planScenario, type Planned, type PlanOptions } from '../../../harness/run/plan.ts';
import { parseScenario } from '../../../harness/run/scenario-file.ts';
import { planOf } from '../../support/history.ts';

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

  it('is refused where this machine’s kernel lacks what a fault fills', () => {
    const text = 'phases: [{ name: fill, for: 5s, fault: { ipvs-table: { for: 2s } } }]\n';
    assert.equal(planned(text, [], { host: { ipvs: true } }).plans.length, 1);
    assert.match(
      cells(planned(text, [], { host: { ipvs: false } }))[0] ?? '',
      /kernel, which has no ip_vs/,
    );
  });

  it('notes a skew that Kubernetes does not support', () => {
    assert.deepEqual(planned(HOLD).plans[0]?.notes, []);
    assert.equal(planned(HOLD, ['kube-proxy=1.30.0']).plans[0]?.notes.length, 1);
    const [plan] = planned(HOLD, ['nodes=3', 'kubelet=1.30.0', 'canary-kubelet=1.31.0']).plans;
    assert.deepEqual(plan?.notes.length, 1);
    assert.match(plan.notes[0] ?? '', /^kubelet 1\.30\.0 is 4 minor versions older/);
  });

  it('refuses what is no version of Kubernetes', () => {
    for (const [text, set, expected] of [
      [HOLD, ['kubernetes=1.34'], /kubernetes=1\.34: components\.kubernetes: a Kubernetes version/],
      [`phases:\n${up('u', '1.34', 'all').replace('1.34,', '"1.34",')}`, [], /1\.34 is not a Kub/],
    ] as const)
      assert.throws(
        () => planned(text, [...set]),
        (error) =>
          error instanceof CoalmineError && error.code === 'usage' && expected.test(error.message),
      );
  });
});

describe('kubelets of another version', () => {
  const components = (set: string[]) => planned(HOLD, set).plans[0]?.components;

  it('are a component of the plan only where they are named', () => {
    assert.deepEqual(components(['kubelet=1.33.0']), {
      kubernetes: '1.34.3',
      'kube-proxy': '1.34.3',
      kubelet: '1.33.0',
    });
    assert.equal(components(['canary-kubelet=1.33.0'])?.['canary-kubelet'], '1.33.0');
    assert.equal(components(['canary-kubelet=1.33.0'])?.['kubelet'], undefined);
  });

  it('may be an axis, pinned by --set and excluded as any other', () => {
    const matrix =
      'matrix: { canary-kubelet: [1.34.4, 1.33.0] }\n' +
      'exclude: [{ when: { canary-kubelet: 1.33.0 }, because: known }]\n';
    const both = ['r-1 canary-kubelet=1.34.4', 'canary-kubelet=1.33.0: known'];
    assert.deepEqual(cells(planned(HOLD + matrix)), both);
    assert.deepEqual(cells(planned(HOLD + matrix, ['canary-kubelet=1.34.4'])), ['r ']);
  });

  it('are skipped where the API server is older than they are, by a minor version', () => {
    assert.equal(planned(HOLD, ['kubelet=1.34.9']).plans.length, 1);
    for (const name of ['kubelet', 'canary-kubelet'])
      assert.match(
        cells(planned(HOLD, [`${name}=1.35.0`]))[0] ?? '',
        /^: kubelet 1\.35\.0 is newer than the API server 1\.34\.3/,
      );
  });

  for (const [set, expected] of [
    [['nodes=1', 'kubelet=1.33.0'], /kubelet 1\.33\.0: no node is `worker` where `nodes` is 1/],
    [['nodes=1', 'canary-kubelet=1.33.0'], /the only node is the control plane/],
    [['kubelet=1.33.0', 'canary-kubelet=1.34.4'], /the canary, .*, is the only worker/],
  ] as const) {
    it(`are skipped where no node would have them: ${set.join(', ')}`, () => {
      assert.match(cells(planned(HOLD, [...set]))[0] ?? '', expected);
    });
  }
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

  it('is told once for all loads, and why there is none on machines', () => {
    const one = { ...{ name: 'http', params: {} }, from: 'control-plane' as const };
    const load = ['a', 'b'].map((id) => ({ ...one, id }));
    assert.deepEqual(emptyHanded(planOf({ provider: 'vm', load }), ['worker', 'worker']), [
      'load a, b: no node is `control-plane`, which runs beside the nodes here',
    ]);
  });
});
