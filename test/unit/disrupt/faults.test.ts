import assert from 'node:assert/strict';
import type { Completed } from '../../../harness/core/command.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import { countedBy, dropPackets } from '../../../harness/disrupt/faults/drop-packets.ts';
import { freeze } from '../../../harness/disrupt/faults/freeze.ts';
import type { FaultTarget } from '../../../harness/disrupt/faults/fault.ts';
import { FAULTS } from '../../../harness/disrupt/faults/index.ts';
import { killPod, restartComponent } from '../../../harness/disrupt/faults/kill-pod.ts';
import { FakeKube, pod } from '../../support/fake-kube.ts';
import { FakeNode } from '../../support/fake-node.ts';

function target(change: Partial<FaultTarget> = {}): FaultTarget {
  const node = new FakeNode('w1');
  return {
    node: node.info,
    agent: node.agent,
    controller: new FakeNode('controller'),
    kube: new FakeKube(),
    tag: 'coalmine-r1-f1',
    ...change,
  };
}

describe('disrupt/faults', () => {
  it('are listed once each', () => {
    const names = FAULTS.map(({ name }) => name);
    assert.deepEqual(names, [...new Set(names)]);
  });

  it('read durations with units, and refuse what they do not know', () => {
    assert.equal(freeze.params.parse({ for: '5s' }).for, 5_000);
    assert.throws(() => freeze.params.parse({ for: 5 }));
    assert.throws(() => freeze.params.parse({ for: '5s', node: 'w1' }));
    assert.throws(() => freeze.params.parse({ for: '5s', nodes: 'all' }));
  });
});

describe('disrupt/faults/freeze', () => {
  const machine = {
    stops: 'processes',
    shows: 'agent-gap',
    inject: { argv: ['pause', 'w1'] },
    undo: { argv: ['unpause', 'w1'] },
    verify: { command: { argv: ['is-paused', 'w1'] }, exitCode: 0, stdout: 'false' },
  } as const;
  const frozenBy = (answer: Partial<Completed>) => {
    const controller = {
      name: 'local',
      run: () => Promise.resolve({ exitCode: 0, signal: null, stdout: '', stderr: '', ...answer }),
    };
    const node = { ...target().node, freezes: { pause: structuredClone(machine) as never } };
    return freeze.prepare(freeze.params.parse({ for: '5s' }), target({ controller, node }));
  };

  it('is the provider’s own commands, run by the controller', async () => {
    const prepared = await frozenBy({});
    assert.equal(prepared.where, 'controller');
    assert.deepEqual(prepared.inject, [machine.inject]);
    assert.deepEqual(prepared.undo.undo, [machine.undo]);
  });

  it('is felt only where the provider says another state, not where it says nothing', async () => {
    const felt = async (answer: Partial<Completed>) => (await (await frozenBy(answer)).felt()).felt;
    assert.equal(await felt({ stdout: 'true\n' }), true);
    assert.equal(await felt({ stdout: 'false\n' }), false);
    assert.equal(await felt({ exitCode: 1, stdout: '' }), false);
    assert.match((await (await frozenBy({ stdout: 'true' })).felt()).evidence, /processes stop/);
  });

  it('refuses a node that cannot be frozen', async () => {
    const wanted = freeze.params.parse({ for: '5s' });
    await assert.rejects(freeze.prepare(wanted, target()), (error) => hasCode(error, 'inject'));
  });
});

describe('disrupt/faults/drop-packets', () => {
  it('adds, names and removes one and the same rule', async () => {
    const { inject, undo } = await dropPackets.prepare(dropPackets.params.parse({}), target());
    assert.ok(typeof inject !== 'function');
    const spec = (words: readonly string[]) => words.slice(6).join(' ');
    const add = inject[0]?.argv ?? [];
    const remove = undo.undo[0]?.argv ?? [];
    const rule =
      'OUTPUT -p udp -d 127.0.0.1/32 --dport 9 -m comment --comment coalmine-r1-f1 -j DROP';
    assert.equal(add.slice(0, 6).join(' '), 'iptables -w 5 -t filter -I');
    assert.equal(spec(add), rule);
    assert.equal(remove[5], '-D');
    assert.equal(spec(remove), rule);
    assert.equal(spec(undo.verify.command.argv), rule);
    assert.deepEqual([undo.verify.command.argv[5], undo.verify.exitCode], ['-C', 1]);
  });

  it('reads the counter of its own rule, not of one whose tag begins the same', () => {
    const save = [
      '*filter',
      '[7:196] -A OUTPUT -p udp -m comment --comment coalmine-r1-f12 -j DROP',
      '[3:84] -A OUTPUT -p udp -m comment --comment "coalmine-r1-f1" -j DROP',
      'COMMIT',
    ].join('\n');
    assert.equal(countedBy(save, 'coalmine-r1-f1'), 3);
    assert.equal(countedBy(save, 'coalmine-r1-f12'), 7);
    assert.equal(countedBy(save, 'coalmine-r1-f2'), undefined);
    assert.equal(countedBy('', 'coalmine-r1-f1'), undefined);
  });
});

describe('disrupt/faults/kill-pod', () => {
  const echo = { labels: { app: 'echo' } };

  it('kills the pods on the node, is felt when they are gone, and over when all are Ready', async () => {
    const kube = new FakeKube();
    for (const [name, node] of Object.entries({ a: 'w1', b: 'w1', c: 'w2' }))
      kube.put(pod(name, 'coalmine', node, echo));
    const prepared = await killPod.prepare(killPod.params.parse({}), target({ kube }));
    assert.equal((await prepared.felt()).felt, false);
    assert.match((await prepared.notWholeYet?.()) ?? '', /1 of 3/);
    assert.ok(typeof prepared.inject === 'function');
    await prepared.inject();
    assert.deepEqual(kube.requests, ['delete Pod/a', 'delete Pod/b']);
    assert.deepEqual(await prepared.felt(), {
      felt: true,
      evidence: '2 of 2 pods are gone (a, b)',
    });
    kube.put(pod('d', 'coalmine', 'w2', echo));
    kube.put(pod('e', 'coalmine', 'w2', { ...echo, ready: false }));
    assert.match((await prepared.notWholeYet?.()) ?? '', /2 of 3/);
    kube.put(pod('e', 'coalmine', 'w2', echo));
    assert.equal(await prepared.notWholeYet?.(), undefined);
  });

  it('is an error where no pod matches', async () => {
    const wanted = killPod.params.parse({ selector: 'app=nobody' });
    await assert.rejects(killPod.prepare(wanted, target()), (error) => hasCode(error, 'inject'));
  });
});

describe('disrupt/faults/restart-component', () => {
  it('needs a new Ready kube-proxy on the same node', async () => {
    const kube = new FakeKube();
    const proxy = { labels: { 'k8s-app': 'kube-proxy' } };
    kube.put(pod('p1', 'kube-system', 'w1', proxy));
    kube.put(pod('p2', 'kube-system', 'w2', proxy));
    const wanted = restartComponent.params.parse({ component: 'kube-proxy' });
    const prepared = await restartComponent.prepare(wanted, target({ kube }));
    assert.ok(typeof prepared.inject === 'function');
    await prepared.inject();
    assert.deepEqual(kube.requests, ['delete Pod/p1']);
    kube.put(pod('p3', 'kube-system', 'w2', proxy));
    assert.match((await prepared.notWholeYet?.()) ?? '', /0 of 1/);
    kube.put(pod('p4', 'kube-system', 'w1', proxy));
    assert.equal(await prepared.notWholeYet?.(), undefined);
  });
});
