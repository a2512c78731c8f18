/** Interrupts piled on one CPU, and who restarts the balancer because of it. */
import assert from 'node:assert/strict';
import { hasCode } from '../../../harness/core/errors.ts';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import { irqMitigation, isLost } from '../../../harness/disrupt/churn/irq-mitigation.ts';
import { pileIrqs } from '../../../harness/disrupt/faults/pile-irqs.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { FakeNode } from '../../support/fake-node.ts';

/** A node whose programs read and write a table of interrupts, as the real ones do with /proc/irq. */
function nodeWith(asked: Record<string, string>) {
  const node = new FakeNode('w1');
  const table = new Map(Object.entries(asked));
  node.programs.set('/coalmine/node', ([, , source = '', ...args]) => {
    if (source.includes('isQueue')) return JSON.stringify([...table]);
    if (source.includes('writeFileSync')) {
      for (const [irq = '', cpus = ''] of args.map((word) => word.split('=')))
        if (table.has(irq)) table.set(irq, cpus);
      return '';
    }
    const [cpu, ...irqs] = args;
    const there = irqs.flatMap((irq) => table.get(irq) ?? []);
    return there.length > 1 && there.every((one) => one === cpu) ? 'piled\n' : 'spread\n';
  });
  const target = {
    ...{ node: node.info, agent: node.agent, controller: new FakeNode('controller') },
    ...{ kube: new FakeKube(), tag: 'coalmine-r1-f1' },
  };
  const run = async (commands: readonly { argv: readonly [string, ...string[]] }[]) => {
    for (const command of commands) await node.run(command);
  };
  return { node, table, target, run };
}

describe('disrupt/faults/pile-irqs', () => {
  const asked = { 41: '0-3', 43: '1', 45: '2', 47: '3' };

  it('puts all on one CPU, and back to what was asked for', async () => {
    const { table, target, run } = nodeWith(asked);
    const prepared = await pileIrqs.prepare(pileIrqs.params.parse({}), target);
    const { inject, undo } = prepared;
    assert.ok(typeof inject !== 'function');
    assert.equal((await prepared.felt()).felt, false);
    await run(inject);
    assert.deepEqual([...new Set(table.values())], ['0']);
    assert.equal((await prepared.felt()).felt, true);
    await run(undo.undo);
    assert.deepEqual(Object.fromEntries(table), asked);
    assert.equal(undo.verify.stdout, 'spread');
  });

  it('stays felt when somebody spreads them again, and forgets one that went with its NIC', async () => {
    const { table, target, run } = nodeWith(asked);
    const prepared = await pileIrqs.prepare(pileIrqs.params.parse({}), target);
    const { inject, undo } = prepared;
    assert.ok(typeof inject !== 'function');
    await run(inject);
    await prepared.felt();
    table.set('43', '2');
    assert.match((await prepared.felt()).evidence, /all on CPU 0; last seen spread/);
    table.delete('47');
    await run(undo.undo);
    assert.equal(table.has('47'), false);
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
