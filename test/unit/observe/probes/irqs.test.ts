/** Which CPUs may serve an interrupt, as one grep over /proc prints it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { interruptOwners } from '../../../../harness/observe/probes/interrupts.ts';
import { irqs, parseCpuList, parseIrqs } from '../../../../harness/observe/probes/irqs.ts';
import { local } from '../../../../harness/exec/local.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../../../fixtures/proc');
const capturedOn = (kernel: string): string =>
  readFileSync(path.join(FIXTURES, kernel, 'irqs.txt'), 'utf8');
const captured = capturedOn('linux-6.18');

describe('irqs', () => {
  it('names each interrupt by its number and its owner, with the CPU that serves it and those that may', () => {
    const values = parseIrqs(captured);
    assert.equal(values['38:virtio2-input.0.effective'], 1);
    assert.equal(values['39:virtio2-output.0.effective'], 0);
    assert.equal(values['38:virtio2-input.0.asked'], 0);
    assert.equal(values['38:virtio2-input.0.askedCpus'], 2);
    assert.equal(Object.keys(values).filter((key) => key.startsWith('38:')).length, 3);
  });

  it('tells the queues of NICs from a device that only has input, on a machine with four NICs under test', () => {
    const values = parseIrqs(capturedOn('linux-6.1'));
    const queues = Object.keys(values).filter((key) => /-input\.0\.effective$/.test(key));
    assert.equal(queues.length, 5);
    assert.ok(Object.hasOwn(values, '52:virtio3-input.effective'));
    for (const key of queues) assert.ok((values[key] ?? -1) >= 0 && (values[key] ?? 9) <= 1, key);
  });

  it('leaves out what nobody uses, and follows a number to its new owner', () => {
    const text = [
      '/proc/interrupts:            CPU0       CPU1',
      '/proc/interrupts: 24:       5     0   PCI-MSIX-0000:01:00.0   1-edge      virtio9-input.0',
      '/proc/irq/24/smp_affinity_list:1',
      '/proc/irq/24/effective_affinity_list:1',
      '/proc/irq/23/smp_affinity_list:0-1',
      '/proc/irq/23/effective_affinity_list:',
      '',
    ].join('\n');
    assert.deepEqual(parseIrqs(text), {
      '24:virtio9-input.0.asked': 1,
      '24:virtio9-input.0.askedCpus': 1,
      '24:virtio9-input.0.effective': 1,
    });
    assert.deepEqual(parseIrqs(text.replace('virtio9-input.0', '')), {});
  });

  it('knows the owner of every used number', () => {
    const table = captured.replaceAll('/proc/interrupts:', '');
    const owners = interruptOwners(table);
    assert.equal(owners.get('38'), 'virtio2-input.0');
    assert.equal(owners.has('LOC'), false);
  });

  it('reads this very machine', async () => {
    assert.ok('command' in irqs.source);
    const { command, timeoutMs } = irqs.source;
    const { stdout } = await local.run(command, { timeoutMs });
    // A machine may let nobody read /proc/irq; the table of interrupts is always there.
    assert.match(stdout, /^\/proc\/interrupts:\s+CPU0/m);
    for (const value of Object.values(irqs.parse({ stdout }))) assert.ok(value >= 0);
  });
});

describe('a list of CPUs', () => {
  it('is read whole', () => {
    assert.deepEqual(parseCpuList('0-2,5'), [0, 1, 2, 5]);
    assert.deepEqual(parseCpuList('63'), [63]);
  });

  it('is nothing where it makes no sense', () => {
    for (const list of ['', '2-1', '0-', '1,,2', '0-99999999', 'a']) {
      assert.deepEqual(parseCpuList(list), [], list);
    }
  });

  it('comes back as it was written', () => {
    const cpus = fc.uniqueArray(fc.nat({ max: 300 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(cpus, (wanted) => {
        assert.deepEqual(parseCpuList(wanted.join(',')), wanted);
      }),
    );
  });
});
