/** What is switched on in the nodes' kernels: only where a check needs it, on every node, and read until it is undone. */
import assert from 'node:assert/strict';
import type { Sample } from '../../../harness/core/history.ts';
import type { WatchOptions, WatchSource } from '../../../harness/core/node.ts';
import { CoalmineError } from '../../../harness/core/errors.ts';
import type { Plan } from '../../../harness/core/plan.ts';
import { softirqTrace } from '../../../harness/core/softirq-trace.ts';
import { Unwind } from '../../../harness/core/unwind.ts';
import type { ActiveFaults } from '../../../harness/disrupt/active.ts';
import type { ManagedNode } from '../../../harness/run/context.ts';
import { traceNodes } from '../../../harness/run/trace-nodes.ts';
import { planOf } from '../../support/history.ts';

const HISTOGRAM = '{ vec:          3, us: ~ 2^5  } hitcount:          4\n\n    Dropped: 0\n';

function stageWith(checks: string[], phases: Plan['phases'] = []) {
  const did: string[] = [];
  const nodes = ['w1', 'w2'].map((name) => {
    const watch = (source: WatchSource, options: WatchOptions) => {
      assert.ok('files' in source);
      did.push(`watch ${name} ${source.files[1] ?? ''}`);
      options.onReading({ tMs: 5, errorMs: 0, changed: { [source.files[1] ?? '']: HISTOGRAM } });
      return Promise.resolve({
        stop: () => {
          did.push(`stop ${name}`);
          return Promise.resolve();
        },
      });
    };
    const freezes = { stall: { hold: () => undefined }, suspend: { hold: () => undefined } };
    const node = { name, role: 'worker', freezes };
    return { node, agent: { watch } } as unknown as ManagedNode;
  });
  let ids = 0;
  const refused = new Set<string>();
  const start = (fault: { name: string }, _: unknown, { node }: ManagedNode) => {
    did.push(`start ${fault.name} on ${node.name}`);
    return refused.has(fault.name)
      ? Promise.reject(new CoalmineError('inject', 'the kernel has no tracefs'))
      : Promise.resolve({ id: `f${(ids += 1)}`, felt: true, evidence: '' });
  };
  const plan = planOf({ phases, checks: checks.map((name) => ({ name, params: {} })) });
  const { signal } = new AbortController();
  const stage = { plan, nodes, signal, say: (line: string) => did.push(line) };
  return { did, refused, stage, faults: { start } as unknown as ActiveFaults, runId: plan.runId };
}

describe('traces of the nodes’ kernels', () => {
  it('are left alone where no check needs them', async () => {
    const { did, stage, faults } = stageWith(['rule-freshness', 'fault-was-felt']);
    const samples: Sample[] = [];
    const record = (sample: Sample) => samples.push(sample);
    assert.deepEqual(await traceNodes(stage, faults, record, new Unwind()), stage.nodes);
    assert.deepEqual([did, samples], [[], []]);
  });

  it('are switched on on each node, read under their own names, and read no more before their undo', async () => {
    const { did, stage, faults, runId } = stageWith(['softirq-stall']);
    const samples: Sample[] = [];
    stage.say = () => 0;
    const unwind = new Unwind();
    await traceNodes(stage, faults, (sample) => samples.push(sample), unwind);
    const fileOf = (id: string) => softirqTrace(`coalmine-${runId}-${id}`).histograms.softirq;
    const [first, second] = [`watch w1 ${fileOf('f1')}`, `watch w2 ${fileOf('f2')}`];
    const start = 'start trace-softirq-times on';
    assert.deepEqual(did.splice(0), [`${start} w1`, first, `${start} w2`, second]);
    assert.deepEqual(
      samples.map(({ node, probe, values }) => [node, probe, values['softirq:NET_RX.32']]),
      [
        ['w1', 'softirq-times', 4],
        ['w2', 'softirq-times', 4],
      ],
    );
    assert.deepEqual(await unwind.run(), []);
    assert.deepEqual(did, ['stop w2', 'stop w1']);
  });

  const freezing = (how: string): Plan['phases'] => [
    {
      name: how,
      forMs: 30_000,
      fault: { name: 'freeze', params: { how, for: '5s', node: 'canary' } },
    },
  ];

  it('keep track of how long a machine stands still, where its clock goes on', async () => {
    const tracedWhere = async (phases: Plan['phases']) => {
      const { stage, faults } = stageWith([], phases);
      const traced = await traceNodes(stage, faults, () => undefined, new Unwind());
      return traced.flatMap(({ node, standstill }) => (standstill === undefined ? [] : node.name));
    };
    assert.deepEqual(await tracedWhere(freezing('stall')), ['w1']);
    assert.deepEqual(await tracedWhere(freezing('suspend')), []);
  });

  it('leave it to the agent where a kernel keeps none', async () => {
    const { did, refused, stage, faults } = stageWith([], freezing('stall'));
    refused.add('trace-timers');
    const traced = await traceNodes(stage, faults, () => undefined, new Unwind());
    assert.deepEqual(traced, stage.nodes);
    assert.deepEqual(did, [
      'start trace-timers on w1',
      'how long w1 stands still, its agent alone can tell: the kernel has no tracefs',
    ]);
  });
});
