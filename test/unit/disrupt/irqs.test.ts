/** Interrupts piled on one CPU, and who restarts the balancer because of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from '../../../harness/core/command.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import { irqMitigation, isLost } from '../../../harness/disrupt/churn/irq-mitigation.ts';
import { pileIrqs, queuesOf } from '../../../harness/disrupt/faults/pile-irqs.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { FakeNode } from '../../support/fake-node.ts';

/** A node whose /proc/irq is a table: `cat` shows the interrupts, `grep` what was asked for, `tee` asks. */
function nodeWith(asked: Record<string, string>) {
  const node = new FakeNode('w1');
  const table = new Map(
    Object.entries(asked).map(([irq, cpus]) => [`/proc/irq/${irq}/smp_affinity_list`, cpus]),
  );
  node.programs.set('cat', () =>
    [
      '           CPU0       CPU1',
      ' 36:   1   0   PCI-MSI 16384-edge      virtio0-req.0',
      ' 52:   1   0   PCI-MSI 131073-edge      virtio3-input',
      ...Object.keys(asked).map(
        (irq) => ` ${irq}:   5   0   PCI-MSI 49153-edge      virtio5-input.${irq}`,
      ),
    ].join('\n'),
  );
  node.programs.set('grep', (argv) => {
    const files = argv.slice(argv.indexOf('--') + 1).filter((file) => table.has(file));
    if (argv.includes('-H'))
      return files.map((file) => `${file}:${table.get(file) ?? ''}\n`).join('');
    const piled = argv[argv.indexOf('--') - 1];
    return files.some((file) => table.get(file) !== piled) ? 0 : 1;
  });
  node.programs.set('sh', ([, , script = '', piled, ...files]) => {
    assert.equal(script, '! grep -qsxe "$0" -- "$@"');
    return files.some((file) => table.get(file) === piled) ? 1 : 0;
  });
  const target = {
    ...{ node: node.info, agent: node.agent, controller: new FakeNode('controller') },
    ...{ kube: new FakeKube(), tag: 'coalmine-r1-f1' },
  };
  const tee = (commands: readonly Command[]) => {
    for (const { argv, stdin = '' } of commands) {
      assert.deepEqual(argv.slice(0, 2), ['tee', '--']);
      for (const file of argv.slice(2)) if (table.has(file)) table.set(file, stdin);
    }
  };
  const file = (irq: number) => `/proc/irq/${irq}/smp_affinity_list`;
  return { table, target, tee, file };
}

const LIMITS = { timeoutMs: 1_000 };

describe('disrupt/faults/pile-irqs', () => {
  const asked = { 41: '0-3', 43: '1', 45: '2', 47: '3' };

  it('puts all on one CPU, and back to what was asked for', async () => {
    const { table, target, tee } = nodeWith(asked);
    const before = new Map(table);
    const prepared = await pileIrqs.prepare(pileIrqs.params.parse({}), target);
    const { inject, undo } = prepared;
    assert.ok(typeof inject !== 'function');
    assert.equal((await prepared.felt()).felt, false);
    tee(inject);
    assert.deepEqual([...new Set(table.values())], ['0']);
    assert.equal((await prepared.felt()).felt, true);
    assert.equal((await target.agent.run(undo.verify.command, LIMITS)).exitCode, 1);
    tee(undo.undo);
    assert.deepEqual(table, before);
    assert.equal((await target.agent.run(undo.verify.command, LIMITS)).exitCode, 0);
  });

  it('stays felt when somebody spreads them again, and forgets one that went with its NIC', async () => {
    const { table, target, tee, file } = nodeWith(asked);
    const prepared = await pileIrqs.prepare(pileIrqs.params.parse({}), target);
    const { inject, undo } = prepared;
    assert.ok(typeof inject !== 'function');
    tee(inject);
    await prepared.felt();
    table.set(file(43), '2');
    assert.match((await prepared.felt()).evidence, /all on CPU 0; last seen spread/);
    table.delete(file(47));
    tee(undo.undo);
    assert.equal(table.has(file(47)), false);
  });

  it('is undone when all that it moved are off that CPU, whatever was there before or is gone', async () => {
    const { target, tee, table, file } = nodeWith({ ...asked, 49: '0' });
    const prepared = await pileIrqs.prepare(pileIrqs.params.parse({}), target);
    const { inject, undo } = prepared;
    assert.ok(typeof inject !== 'function');
    const verify = async () =>
      (await target.agent.run(undo.verify.command, LIMITS)).exitCode === undo.verify.exitCode;
    tee(inject);
    assert.equal(await verify(), false);
    table.set(file(41), '0-3');
    table.set(file(45), '2');
    assert.equal(await verify(), false);
    table.set(file(43), '1');
    table.delete(file(47));
    assert.equal(table.get(file(49)), '0');
    assert.equal(await verify(), true);
  });

  it('finds the queues of NICs on a real machine, and no other interrupt', () => {
    const file = path.resolve(import.meta.dirname, '../../fixtures/proc/linux-6.18/interrupts.txt');
    const queues = queuesOf(readFileSync(file, 'utf8'));
    const names = readFileSync(file, 'utf8').match(/virtio\d+-(?:in|out)put\.\d+/g) ?? [];
    assert.ok(queues.length > 0);
    assert.equal(queues.length, names.length);
  });

  it('refuses where there is nothing to be piled', async () => {
    for (const nothing of [{}, { 41: '0', 43: '0' }])
      await assert.rejects(
        pileIrqs.prepare(pileIrqs.params.parse({}), nodeWith(nothing).target),
        (error) => hasCode(error, 'inject'),
      );
  });
});

describe('disrupt/churn/irq-mitigation', () => {
  const limits = { busiestShareMax: 0.8, packetsMin: 100 };

  it('takes spread for lost where one CPU serves nearly all, under load only, across a wrap', () => {
    assert.equal(isLost([0, 0], [90, 10], limits), true);
    assert.equal(isLost([0, 0], [80, 20], limits), false);
    assert.equal(isLost([0, 0], [90, 1], limits), false);
    assert.equal(isLost([4_294_967_290, 5], [200, 5], limits), true);
    assert.equal(isLost([4_294_967_290, 5], [200, 250], limits), false);
  });

  /** Each look finds 1000 packets more; all on CPU 0 until irqbalance was restarted. */
  function world(cured: boolean) {
    const node = new FakeNode('w1');
    const packets = [0, 0];
    let restarts = 0;
    const hex = (count: number) => count.toString(16).padStart(8, '0');
    node.programs.set('cat', () => {
      packets[0] = (packets[0] ?? 0) + (cured && restarts > 0 ? 500 : 1_000);
      packets[1] = (packets[1] ?? 0) + (cured && restarts > 0 ? 500 : 0);
      return packets.map((count) => `${hex(count)} 00000000 00000000\n`).join('');
    });
    node.programs.set('systemctl', () => {
      restarts += 1;
      return '';
    });
    const events: HistoryEvent[] = [];
    let nowMs = 0;
    const context = {
      ...{ id: 'c1', runId: 'r1', namespace: 'coalmine', kube: new FakeKube() },
      nodes: [{ node: node.info, agent: node.agent }],
      clock: { startedAt: '2026-11-22T12:00:00.000Z', nowMs: () => (nowMs += 1) },
      signal: new AbortController().signal,
      emit: (event: HistoryEvent) => events.push(event),
    };
    const use = { for: '60ms', every: '1ms', pause: '1ms', packetsMin: 500 };
    const run = () => irqMitigation.run(irqMitigation.params.parse(use), context);
    return { node, events, run, restarts: () => restarts };
  }

  it('restarts irqbalance once where that helps, and says so in the history', async () => {
    const { run, events, restarts, node } = world(true);
    const { felt, evidence } = await run();
    assert.equal(felt, true);
    assert.equal(restarts(), 1);
    assert.ok(node.argvs.includes('systemctl try-restart irqbalance'));
    assert.match(evidence, /w1 1$/);
    assert.deepEqual(
      events.map((event) => (event.kind === 'churn' ? [event.action, event.object] : [])),
      [['try-restart', 'w1/irqbalance']],
    );
  });

  it('goes on where it does not help', async () => {
    const { run, restarts } = world(false);
    await run();
    assert.ok(restarts() > 1);
  });
});
