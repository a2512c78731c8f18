import assert from 'node:assert/strict';
import { overlayRefusal } from '../../../../harness/providers/vm/preflight.ts';
import { vmRefusals } from '../../../../harness/providers/vm/refusals.ts';
import {
  machineShape,
  vmNodeNames,
  vmVersions,
} from '../../../../harness/providers/vm/versions.ts';
import type { PlannedPhase } from '../../../../harness/core/plan.ts';
import { planOf } from '../../../support/history.ts';

const phaseOf = (what: Partial<PlannedPhase>): PlannedPhase => ({ name: 'p', forMs: 1, ...what });

const of = (components: Record<string, string>) =>
  vmRefusals(planOf({ provider: 'vm', components: { kubernetes: '1.34.3', ...components } }));

describe('what the vm provider refuses', () => {
  it('is nothing that it can serve', () => {
    assert.deepEqual(of({ kernel: '6.12', irqbalance: '1.9.2-1', 'kube-proxy': '1.13.0' }), []);
  });

  it('is a kernel that no suite has, and names those that there are', () => {
    assert.match(of({ kernel: '4.19' })[0] ?? '', /kernel 4\.19; there are 5\.10, 6\.1/);
  });

  it('is a containerd, an iptables that nobody ships, and what it has never heard of', () => {
    assert.match(of({ containerd: '2.0' })[0] ?? '', /containerd of their Debian release/);
    assert.match(of({ iptables: '1.4' })[0] ?? '', /no Debian release ships iptables 1\.4/);
    assert.match(of({ cilium: '1' })[0] ?? '', /vm cannot choose a version of cilium/);
  });

  it('is an upgrade of anything but kube-proxy, and a pause', () => {
    const upgrade = { component: 'kernel', to: '6.12', on: 'canary' } as const;
    const phases = [phaseOf({ upgrade })];
    assert.match(vmRefusals(planOf({ phases }))[0] ?? '', /on vm, kernel cannot be upgraded/);
    const fault = { name: 'freeze', params: { how: 'pause' } };
    assert.match(vmRefusals(planOf({ phases: [phaseOf({ fault })] }))[0] ?? '', /suspend or stall/);
    const stall = { name: 'freeze', params: { how: 'stall' } };
    assert.deepEqual(vmRefusals(planOf({ phases: [phaseOf({ fault: stall })] })), []);
  });

  it('is what works on NICs under test, where there are none', () => {
    for (const name of ['flood', 'nic-reattach']) {
      const phases = [phaseOf({ fault: { name, params: {} } })];
      assert.match(vmRefusals(planOf({ phases }))[0] ?? '', /say `machine: \{ testNics: 1 \}`/);
      const machine = { cpus: 2, memoryMiB: 2_048, testNics: 1, queues: 1 };
      assert.deepEqual(vmRefusals(planOf({ phases, machine })), []);
    }
  });

  it('is what asks for more NICs under test than there are', () => {
    const machine = { cpus: 2, memoryMiB: 2_048, testNics: 1, queues: 1 };
    const refused = (name: string, params: Record<string, unknown>) =>
      vmRefusals(planOf({ phases: [phaseOf({ fault: { name, params } })], machine })).join();
    assert.equal(refused('nic-reattach', { nic: 'eth1' }), '');
    assert.match(refused('nic-reattach', { nic: 'eth7' }), /needs 7 NICs.*testNics: 7/);
    assert.match(refused('flood', { nics: 'shared-cpu' }), /needs 2 NICs.*testNics: 2/);
  });
});

describe('what a plan means for machines', () => {
  it('is a kernel and a shape of our own where it says nothing', () => {
    const plan = planOf({ provider: 'vm' });
    assert.equal(vmVersions(plan).kernel, '6.1');
    assert.equal(vmVersions(plan).irqbalance, undefined);
    assert.deepEqual(machineShape(plan), { cpus: 2, memoryMiB: 2_048, testNics: 0, queues: 1 });
    assert.deepEqual(vmNodeNames(2), ['worker-1', 'worker-2']);
  });
});

describe('room for the disks of the nodes', () => {
  it('is asked for before anything is made', async () => {
    assert.equal(await overlayRefusal(1, '/tmp'), undefined);
    assert.match((await overlayRefusal(1e18, '/tmp')) ?? '', /need about .* in \/tmp/);
  });
});
