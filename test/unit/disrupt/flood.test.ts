import assert from 'node:assert/strict';
import { hasCode } from '../../../harness/core/errors.ts';
import type { MachineNic, NodeInfo } from '../../../harness/core/node.ts';
import { flood } from '../../../harness/disrupt/faults/flood.ts';
import { twoOnOneCpu, type NicFacts } from '../../../harness/disrupt/faults/nic-facts.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { FakeNode } from '../../support/fake-node.ts';

const MACS = [1, 2, 3, 4].map((nic) => `52:54:00:c0:00:0${nic}`);
const NICS = MACS.map((mac, nic): MachineNic => {
  const command = { argv: ['true'] } as const;
  return {
    ...{ name: `eth${nic + 1}`, mac, address: `172.31.${16 + nic}.2/24` },
    peer: { link: `cm0n${nic}`, address: `172.31.${16 + nic}.1` },
    ...{ detach: command, attach: command, verify: { command, exitCode: 0 } },
  };
});

function facts(cpus: readonly number[]): NicFacts[] {
  return cpus.map((cpu, nic) => ({ name: `eth${nic + 1}`, cpus: [cpu], arrived: 7 }));
}

interface Rig {
  known: readonly NicFacts[];
  trafgen?: string | number;
  /** What `cat` says about the counters of packets. */
  counters?: string | number;
  sending?: number;
}

/** A node whose programs know its NICs, and a controller with or without trafgen. */
function rig({ known, trafgen = 'trafgen 0.6.8\n', counters = 1, sending = 12 }: Rig) {
  const node = new FakeNode('w1');
  node.programs.set('/coalmine/node', (argv) =>
    JSON.stringify(known.filter(({ name }) => argv.includes(name))),
  );
  node.programs.set('cat', () => counters);
  const controller = new FakeNode('controller');
  controller.programs.set('trafgen', () => trafgen);
  controller.programs.set(process.execPath, () => `${sending}\n`);
  const info: NodeInfo = { ...node.info, nics: NICS };
  return {
    ...{ node: info, agent: node.agent, controller, kube: new FakeKube(), tag: 'coalmine-r1-f1' },
  };
}

const links = (argv: readonly string[]) => argv[argv.indexOf('--dev') + 1];
const gaps = (argv: readonly string[]) => argv[argv.indexOf('--gap') + 1];

describe('disrupt/faults/flood', () => {
  it('floods the two NICs that one CPU serves, one with two thirds of the packets, bounded in number and time', async () => {
    const wanted = flood.params.parse({ nics: 'shared-cpu', rate: 6_000 });
    const { inject, where } = await flood.prepare(wanted, rig({ known: facts([0, 1, 2, 1]) }));
    assert.equal(where, 'controller');
    assert.ok(typeof inject !== 'function');
    assert.deepEqual(
      inject.map(({ argv }) => [links(argv), gaps(argv)]),
      [
        ['cm0n1', '220us'],
        ['cm0n3', '470us'],
      ],
    );
    const argv: readonly string[] = inject[0]?.argv ?? [];
    const stdin = inject[0]?.stdin ?? '';
    assert.equal(argv[argv.indexOf('--num') + 1], String(4_000 * 3_600));
    assert.equal(argv[argv.indexOf('timeout') + 2], '3600');
    assert.match(stdin, /eth\(da=52:54:00:c0:00:02,/);
    assert.match(stdin, /ipv4\(sa=172\.31\.17\.1, da=172\.31\.17\.2, ttl=64, csum=0xdead\)/);
    assert.match(stdin, /sp=dinc\(20000, 20063\), dp=9/);
  });

  it('is even up to what pauses allow, and in bursts above', async () => {
    const pace = async (rate: number) => {
      const target = rig({ known: facts([0, 0, 1, 1]) });
      const { inject } = await flood.prepare(flood.params.parse({ rate }), target);
      assert.ok(typeof inject !== 'function');
      return inject[0]?.argv.join(' ') ?? '';
    };
    assert.match(await pace(40_000), /--gap 70us/);
    assert.match(await pace(60_000), /--rate 15000pps/);
  });

  it('ends what it started by the file that only it has, and proves that nothing is left', async () => {
    const { inject, undo } = await flood.prepare(
      flood.params.parse({}),
      rig({ known: facts([0, 1, 0, 1]) }),
    );
    assert.ok(typeof inject !== 'function');
    const files = inject.map(({ argv }) => argv[argv.indexOf('--conf') + 1] ?? '');
    assert.equal(new Set(files).size, 4);
    for (const file of files) assert.match(file, /coalmine-r1-f1-cm0n\d\.trafgen$/);
    assert.deepEqual(undo.undo[0]?.argv.slice(-4), files);
    assert.deepEqual(undo.verify.command.argv.slice(-4), files);
    assert.equal(undo.verify.stdout, '0');
  });

  it('is felt when every flooded NIC counts enough and all senders are there', async () => {
    const felt = async (counters: string | number, sending = 12) => {
      const target = rig({ known: facts([0, 0, 1, 1]), counters, sending });
      return (await flood.prepare(flood.params.parse({}), target)).felt();
    };
    const many = '900007\n';
    const all = await felt(many.repeat(4));
    assert.equal(all.felt, true, all.evidence);
    assert.match(all.evidence, /12 processes send; at first eth1 on CPU 0, eth2 on CPU 0/);
    assert.equal((await felt(`${many.repeat(3)}7\n`)).felt, false, 'one stands still');
    assert.equal((await felt(many.repeat(4), 3)).felt, false, 'one sender has ended');
    await assert.rejects(felt(many.repeat(3)), (error) => hasCode(error, 'inject'));
    await assert.rejects(felt(1), (error) => hasCode(error, 'inject'));
  });

  it('counts from 0 where a NIC was put back meanwhile', async () => {
    const target = rig({ known: facts([0, 0, 1, 1]), counters: '6\n'.repeat(4) });
    const prepared = await flood.prepare(flood.params.parse({ arrivedMin: 1 }), target);
    assert.equal((await prepared.felt()).felt, true);
  });

  it('refuses where there is nothing to flood, or nothing to flood with', async () => {
    const refused = (target: ReturnType<typeof rig>, given: object = {}) =>
      assert.rejects(flood.prepare(flood.params.parse(given), target), (error) =>
        hasCode(error, 'inject'),
      );
    await refused(rig({ known: facts([0, 1, 2, 3]) }), { nics: 'shared-cpu' });
    await refused(rig({ known: [] }));
    await refused(rig({ known: facts([0, 1, 0, 1]), trafgen: 127 }));
    const bare = rig({ known: facts([0, 1, 0, 1]) });
    const { nics, ...node } = bare.node;
    assert.ok(nics);
    await refused({ ...bare, node });
  });

  it('takes the CPU that serves most of them', () => {
    const chosen = (cpus: readonly number[]) => twoOnOneCpu(facts(cpus))?.map(({ name }) => name);
    assert.deepEqual(chosen([1, 0, 0, 0]), ['eth2', 'eth3']);
    assert.deepEqual(chosen([0, 1, 1, 2]), ['eth2', 'eth3']);
    assert.equal(chosen([0, 1]), undefined);
    assert.equal(chosen([]), undefined);
  });
});
