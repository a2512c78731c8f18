import assert from 'node:assert/strict';
import type { Completed } from '../../../harness/core/command.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import type { MachineFreeze, MachineNic, NodeInfo } from '../../../harness/core/node.ts';
import { countedBy, dropPackets } from '../../../harness/disrupt/faults/drop-packets.ts';
import { freeze } from '../../../harness/disrupt/faults/freeze.ts';
import type { FaultTarget } from '../../../harness/disrupt/faults/fault.ts';
import { FAULTS } from '../../../harness/disrupt/faults/index.ts';
import { nicReattach } from '../../../harness/disrupt/faults/nic-reattach.ts';
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

describe('disrupt/faults/freeze of a machine', () => {
  const machineWith = (node: FakeNode, shows: MachineFreeze['shows']) => {
    const held: number[] = [];
    const freezes: NodeInfo['freezes'] = {
      suspend: {
        ...{ stops: 'machine', shows, inject: { argv: ['stop'] }, undo: { argv: ['cont'] } },
        verify: { command: { argv: ['is-running'] }, exitCode: 0 },
        hold: (forMs) => {
          held.push(forMs);
          return Promise.resolve({
            over: Promise.resolve(),
            proof: () => ({ felt: true, evidence: 'QEMU said STOP' }),
          });
        },
      },
    };
    return { held, at: target({ node: { ...node.info, freezes }, agent: node.agent }) };
  };

  it('is held by the machine’s keeper for the length asked, and undone by commands', async () => {
    const { held, at } = machineWith(new FakeNode('w1'), 'agent-gap');
    const prepared = await freeze.prepare(freeze.params.parse({ for: '5s' }), at);
    assert.deepEqual(prepared.shows, { as: 'agent-gap', forMs: 5_000 });
    assert.equal((await prepared.felt()).felt, false);
    assert.ok(typeof prepared.inject === 'function');
    await prepared.inject();
    assert.deepEqual(held, [5_000]);
    await prepared.over?.();
    assert.deepEqual(await prepared.felt(), { felt: true, evidence: 'QEMU said STOP' });
    assert.deepEqual(prepared.undo.undo, [{ argv: ['cont'] }]);
    assert.ok(!('notWholeYet' in prepared));
  });

  it('is measured by the node’s kernel, from what it knew when the freeze began', async () => {
    const { held, at } = machineWith(new FakeNode('w1'), 'agent-gap');
    const told: string[] = [];
    const standstill = {
      forget: () => Promise.resolve(void told.push(`forgot before ${held.length} freezes`)),
      longestMs: () => Promise.resolve(5_003.5),
    };
    const wanted = freeze.params.parse({ for: '5s' });
    const prepared = await freeze.prepare(wanted, { ...at, standstill });
    assert.ok(typeof prepared.inject === 'function');
    await prepared.inject();
    assert.deepEqual([told, held], [['forgot before 0 freezes'], [5_000]]);
    assert.deepEqual(await prepared.measured?.(), { ms: 5_001, errorMs: 2.5 });
    assert.equal('measured' in (await freeze.prepare(wanted, at)), false);
  });

  it('refuses a way of freezing that the node does not have', async () => {
    const { at } = machineWith(new FakeNode('w1'), 'agent-gap');
    const wanted = freeze.params.parse({ for: '5s', how: 'stall' });
    await assert.rejects(freeze.prepare(wanted, at), (error) => hasCode(error, 'inject'));
  });

  it('sets the clock of a machine whose clock stopped too, until it is right', async () => {
    const node = new FakeNode('w1');
    node.behindMs = 60_000;
    node.programs.set('date', () => {
      node.behindMs = 0;
      return '';
    });
    const { at } = machineWith(node, 'clock-jump');
    const prepared = await freeze.prepare(freeze.params.parse({ for: '60s' }), at);
    assert.equal(await prepared.notWholeYet?.(), 'its clock was 1m behind');
    assert.deepEqual(node.argvs, ['date --utc --set=60.000 seconds']);
    assert.equal(await prepared.notWholeYet?.(), undefined);
  });
});

describe('disrupt/faults/nic-reattach', () => {
  const nic: MachineNic = {
    ...{ name: 'eth1', mac: '52:54:00:c0:00:01', address: '172.31.16.2/24' },
    peer: { link: 'cm0n0', address: '172.31.16.1' },
    ...{ detach: { argv: ['detach'] }, attach: { argv: ['attach'] } },
    verify: { command: { argv: ['has-device'] }, exitCode: 0 },
  };
  const seen = { index: 3, isUp: true, addresses: [nic.address] };
  const linksOf = (sees: typeof seen | null) => {
    const lo = { ifindex: 1, ifname: 'lo', flags: ['LOOPBACK', 'UP'], addr_info: [] };
    if (sees === null) return JSON.stringify([lo]);
    const addresses = sees.addresses.map((one) => one.split('/'));
    const eth1 = {
      ...{
        ifindex: sees.index,
        ifname: 'eth1',
        flags: sees.isUp ? ['UP'] : [],
        link_type: 'ether',
      },
      addr_info: addresses.map(([local, length]) => ({ local, prefixlen: Number(length) })),
    };
    return JSON.stringify([lo, eth1]);
  };
  const onNode = (nics: readonly MachineNic[]) => {
    const node = new FakeNode('w1');
    const guest: { sees: typeof seen | null } = { sees: seen };
    node.programs.set('ip', ([, option]) => (option === '-json' ? linksOf(guest.sees) : ''));
    return { node, guest, at: target({ node: { ...node.info, nics }, agent: node.agent }) };
  };
  const wanted = nicReattach.params.parse({ for: '1s' });

  it('is felt when the guest has lost it, and over when a new one has the old address', async () => {
    const { node, guest, at } = onNode([nic]);
    const prepared = await nicReattach.prepare(wanted, at);
    assert.deepEqual(prepared.inject, [nic.detach]);
    assert.equal((await prepared.felt()).felt, false);
    guest.sees = null;
    const felt = await prepared.felt();
    assert.ok(felt.felt);
    assert.match(felt.evidence, /left w1; it had index 3/);
    assert.match((await prepared.notWholeYet?.()) ?? '', /not back/);
    guest.sees = seen;
    assert.match((await prepared.notWholeYet?.()) ?? '', /not back/, 'the old device');
    guest.sees = { ...seen, index: 7, isUp: false, addresses: [] };
    assert.match((await prepared.notWholeYet?.()) ?? '', /without its address/);
    assert.deepEqual(
      node.argvs.filter((line) => /^ip (?!-json)/.test(line)),
      ['ip address replace 172.31.16.2/24 dev eth1', 'ip link set eth1 up'],
    );
    guest.sees = { ...seen, index: 7 };
    assert.equal(await prepared.notWholeYet?.(), undefined);
    assert.ok((await prepared.felt()).felt, 'another device');
  });

  it('refuses a NIC that is not there', async () => {
    for (const at of [onNode([]).at, target()])
      await assert.rejects(nicReattach.prepare(wanted, at), (error) => hasCode(error, 'inject'));
    const { guest, at } = onNode([nic]);
    guest.sees = null;
    await assert.rejects(nicReattach.prepare(wanted, at), (error) => hasCode(error, 'inject'));
    assert.throws(() => nicReattach.params.parse({ for: '1s', nic: 'eth0' }));
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
