/** What a person reads: the plan, the live display and the doctor's answer, from plain values. */
import assert from 'node:assert/strict';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import { describePlan } from '../../../harness/run/describe-plan.ts';
import { describeExam, usableProviders } from '../../../harness/run/doctor.ts';
import { headline } from '../../../harness/run/progress-headline.ts';
import { createTally } from '../../../harness/run/progress-tally.ts';
import { planOf } from '../../support/history.ts';

describe('run/describe-plan', () => {
  const plan = planOf({
    cell: 'proxyMode=iptables',
    load: [{ name: 'dns-pairs', params: { rate: 40, names: ['a'] }, id: 'pairs', from: 'canary' }],
    phases: [
      { name: 'calm', forMs: 1_500 },
      {
        name: 'storm',
        forMs: 20_000,
        fault: { name: 'freeze', params: { for: '5s' } },
        upgrade: { component: 'kube-proxy', to: '1.34.4', on: 'canary' },
        churn: { name: 'endpoints', params: {} },
      },
    ],
    checks: [{ name: 'node-ready', params: {} }],
    notes: ['old'],
  });
  const skipped = [{ scenario: 'example', cell: 'proxyMode=ipvs', because: 'no ip_vs' }];

  it('says what would be done, in order, and what is skipped with its reason', () => {
    const lines = describePlan({ plans: [plan], skipped }).split('\n');
    assert.equal(lines[0], 'example [proxyMode=iptables]');
    for (const line of [
      '  load        pairs: dns-pairs (rate=40, names=["a"]) from canary',
      '  phase       calm for 1.5s',
      '  phase       storm for 20s: fault freeze (for=5s); upgrade kube-proxy to 1.34.4 on canary; churn endpoints',
      '  check       node-ready',
      '  note        old',
      '  takes       about 22s of phases, and the cluster around them',
      'example [proxyMode=ipvs]: skipped, no ip_vs',
    ])
      assert.ok(lines.includes(line), `${line}\nis not in\n${lines.join('\n')}`);
  });

  it('warns of the shared kernel on kind alone', () => {
    const of = (provider: 'kind' | 'vm') =>
      describePlan({ plans: [{ ...plan, provider }], skipped: [] }).includes('host-wide');
    assert.deepEqual([of('kind'), of('vm')], [true, false]);
  });
});

const fault = (state: 'injected' | 'undone' | 'undo-failed', detail?: string): HistoryEvent => ({
  ...{ tMs: 5, kind: 'fault', id: 'f1', fault: 'freeze', node: 'w1', state },
  ...(detail === undefined ? {} : { detail }),
});
const episode = (untilMs: number | null): HistoryEvent => ({
  ...{ tMs: 9_000, kind: 'rule-episode', node: 'w1', error: 'stale', service: 'echo', port: 'tcp' },
  ...{ endpoint: '10.0.0.1', sinceMs: 1_000, untilMs },
});
const load = (sent: number, ok: number, node: string): HistoryEvent => ({
  ...{ tMs: 7, kind: 'load', load: 'pairs', type: 'dns', node, fromMs: 1, toMs: 7 },
  ...{ sent, ok, timeouts: sent - ok, errors: {}, latenciesMs: [] },
});

describe('run/progress-headline', () => {
  it('tells news and leaves the rest to the history', () => {
    const gap = (gapMs: number): HistoryEvent => ({
      ...{ tMs: 1, kind: 'agent-gap', node: 'w1', fromMs: 0, gapMs },
    });
    assert.deepEqual(
      [
        episode(2_999),
        episode(3_000),
        episode(null),
        gap(999),
        gap(5_230),
        fault('undone'),
        fault('undo-failed', 'no answer'),
        load(1, 0, 'w1'),
      ].map(headline),
      [
        undefined,
        'rules: 10.0.0.1 of echo was stale on w1 for 2.0s',
        'rules: 10.0.0.1 of echo was stale on w1 for 8.0s',
        undefined,
        'w1 stood still for 5.23s',
        undefined,
        'UNDO NOT CONFIRMED: freeze on w1: no answer',
        undefined,
      ],
    );
    const at = { tMs: 1, node: 'w1' };
    assert.equal(headline({ ...at, kind: 'node-ready', ready: false }), 'node w1 is not Ready');
    assert.equal(
      headline({ ...at, kind: 'agent-lost', detail: 'EOF' }),
      'the agent of w1 is lost: EOF',
    );
  });
});

describe('run/progress-tally', () => {
  it('adds up loads over nodes, takes the last state of nodes and rules, and the worst age', () => {
    const tally = createTally();
    assert.match(tally.lines().join(), /^phase -; in force: nothing,nodes ready 0 of 0/);
    const read = { kind: 'rules-read', reads: 1, failures: 0, everyMs: 500 } as const;
    for (const event of [
      { tMs: 1, kind: 'phase', phase: 'storm', state: 'started' },
      { tMs: 2, kind: 'node-ready', node: 'w1', ready: true },
      { tMs: 3, kind: 'node-ready', node: 'w2', ready: true },
      { tMs: 4, kind: 'node-ready', node: 'w2', ready: false },
      { ...read, tMs: 5, node: 'w1', entries: 3 },
      { ...read, tMs: 6, node: 'w1', entries: 4 },
      { ...read, tMs: 6, node: 'w2', entries: 5 },
      episode(3_500),
      episode(2_000),
      load(10, 9, 'w1'),
      load(5, 5, 'w2'),
      fault('injected'),
    ] satisfies HistoryEvent[])
      tally.event(event);
    assert.deepEqual(
      [tally.phase, tally.lastMs, ...tally.lines()],
      [
        'storm',
        9_000,
        'phase storm; in force: freeze on w1',
        'nodes ready 1 of 2',
        'rules 9 entries, oldest wrong one 2.5s',
        'pairs: 15 sent, 1 failed',
      ],
    );
    tally.event(fault('undo-failed'));
    assert.match(tally.lines()[0] ?? '', /in force: freeze/);
    tally.event(fault('undone'));
    assert.match(tally.lines()[0] ?? '', /in force: nothing/);
  });
});

describe('run/doctor', () => {
  const answers = [
    { question: 'disk', for: ['kind', 'vm'], state: 'no', detail: '1 GB free' },
    { question: 'Docker engine', for: ['kind'], state: 'yes', detail: 'yours' },
    { question: 'go', for: [], state: 'note', detail: 'not installed' },
  ] satisfies Parameters<typeof describeExam>[0]['answers'];

  it('answers in columns, and says what is left and what is usable', () => {
    assert.equal(
      describeExam({ answers, leftovers: [], usableProviders: [] }),
      'question             needed by\n' +
        'disk           no    kind, vm   1 GB free\n' +
        'Docker engine  yes   kind       yours\n' +
        'go             note  -          not installed\n' +
        'nothing is left of earlier runs\nno provider is usable\n',
    );
    const text = describeExam({ answers, leftovers: ['container c1'], usableProviders: ['kind'] });
    assert.match(text, /`coalmine clean` removes it\):\n {2}container c1\nusable: kind\n$/);
  });

  it('calls a provider usable where nothing is missing that it cannot do without', () => {
    assert.deepEqual(usableProviders(answers), []);
    assert.deepEqual(usableProviders(answers.slice(1)), ['kind', 'vm']);
    const engineless = { ...answers[1]!, state: 'no' as const };
    assert.deepEqual(usableProviders([engineless, answers[2]!]), ['vm']);
  });
});
