import assert from 'node:assert/strict';
import type { HistoryEvent, Sample } from '../../../../harness/core/history.ts';
import { irqSpread } from '../../../../harness/judge/checkers/irq-spread.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith } from '../../../support/judge-with.ts';

/** Two flooded NICs, and the node's own NIC with a little traffic on CPU 1. */
const NAMES = ['30:virtio3-input.0', '34:virtio5-input.0'] as const;
const OWN = '26:virtio1-input.0';
const PARAMS = { interval: '5s', within: 3 };

interface Second {
  /** CPU of each flooded NIC; undefined where it is not there. */
  cpus: readonly [number | undefined, number | undefined];
  /** Interrupts a second on each. */
  rate?: number;
  names?: readonly [string, string];
  /** Packets arrive, and almost no interrupts: those that do, do so on CPU 0. */
  polled?: boolean;
}

/** One reading a second from 0 s to 80 s. What a device had counted is gone when it comes back. */
function samplesOf(of: (second: number) => Second, node = 'w1'): Sample[] {
  const counted = new Map<string, number>();
  const softirqs: Record<string, number> = { 'NET_RX.cpu0': 7, 'NET_RX.cpu1': 4_294_967_290 };
  const softnet: Record<string, number> = { 'cpu0.processed': 0, 'cpu1.processed': 9 };
  return Array.from({ length: 81 }, (_, second) => second).flatMap((second) => {
    const { cpus, rate = 300, names = NAMES, polled = false } = of(second);
    const effective: Record<string, number> = { [`${OWN}.effective`]: 1 };
    const add = (key: string, grown: number) => counted.set(key, (counted.get(key) ?? 0) + grown);
    add(`${OWN}.cpu1`, 5);
    for (const [index, cpu] of cpus.entries()) {
      const name = names[index] ?? '';
      if (cpu === undefined) {
        for (const key of counted.keys())
          if (key.endsWith(name.replace(/^\d+/, ''))) counted.delete(key);
        for (const key of [...counted.keys()]) if (key.startsWith(`${name}.`)) counted.delete(key);
        continue;
      }
      effective[`${name}.effective`] = cpu;
      for (const one of [0, 1])
        add(`${name}.cpu${one}`, one === (polled ? 0 : cpu) ? (polled ? 1 : rate) : 0);
      const key = `NET_RX.cpu${cpu}`;
      softirqs[key] = ((softirqs[key] ?? 0) + rate) % 2 ** 32;
      const processed = `cpu${cpu}.processed`;
      softnet[processed] = (softnet[processed] ?? 0) + 10 * rate;
    }
    const at = { tMs: second * 1_000, node };
    return [
      { ...at, probe: 'interrupts', values: Object.fromEntries(counted) },
      { ...at, probe: 'softirqs', values: { ...softirqs } },
      { ...at, probe: 'softnet', values: { ...softnet } },
      { ...at, probe: 'irqs', values: effective },
    ];
  });
}

function span(fault: string, fromS: number, toS: number, node = 'w1'): HistoryEvent[] {
  const base = { kind: 'fault', id: `${fault}-${fromS}`, fault, node } as const;
  return [
    { ...base, tMs: fromS * 1_000, state: 'injected' },
    { ...base, tMs: toS * 1_000, state: 'undone' },
  ];
}

const FLOOD = span('flood', 20, 60);
const history = (
  samples: readonly Sample[],
  events: readonly HistoryEvent[] = FLOOD,
  logs: Record<string, string> = {},
) => historyOf({ baseline: 10, flood: 40, after: 5 }, { samples, events, logs });

const piled = samplesOf(() => ({ cpus: [0, 0] }));
/** On one CPU until the balancer moves one of them, 9 s after the flood began. */
const moved = samplesOf((second) => ({ cpus: second < 29 ? [0, 0] : [0, 1] }));

describe('irq-spread', () => {
  it('passes when the balancer moves one of two loaded interrupts, and says when', () => {
    const finding = judgeWith(irqSpread, history(moved), PARAMS);
    assert.equal(finding.verdict, 'pass', finding.summary);
    assert.equal(finding.evidence['intervalsUntilSpread'], 2);
    assert.equal(finding.evidence['cpus'], 2);
    assert.match(
      finding.summary,
      /intervals of 5s, the busiest CPU.*virtio5-input\.0 on 1.*each from number 3 on was spread/,
    );
  });

  it('fails when both stay on one CPU, with share, counts and CPUs', () => {
    const finding = judgeWith(irqSpread, history(piled), PARAMS);
    assert.equal(finding.verdict, 'fail');
    assert.match(
      finding.summary,
      /w1: 3 intervals of 5s under load, and still one CPU serves 100 % of packets/,
    );
    assert.match(finding.details.join('\n'), /100 % of NET_RX/);
    assert.match(finding.details.join('\n'), /99\.2 % of NIC interrupts/);
    assert.match(finding.details.join('\n'), /only 1 CPUs \(0\) serve, wanted 2/);
    assert.equal(finding.evidence['intervalsUntilSpread'], 'never');
  });

  it('fails when they are moved too late', () => {
    const late = samplesOf((second) => ({ cpus: second < 50 ? [0, 0] : [0, 1] }));
    assert.equal(judgeWith(irqSpread, history(late), PARAMS).verdict, 'fail');
  });

  it('judges nothing outside the flood, and nothing that is not loaded', () => {
    const calm = samplesOf((second) => ({
      cpus: [0, 0],
      rate: second >= 20 && second <= 60 ? 2 : 900,
    }));
    const finding = judgeWith(irqSpread, history(calm), PARAMS);
    assert.equal(finding.verdict, 'inconclusive');
    assert.match(finding.summary, /only 40 packets a second, where 1000/);
    const unasked = judgeWith(irqSpread, history(piled, []), PARAMS);
    assert.equal(unasked.verdict, 'inconclusive');
    assert.match(unasked.summary, /no flood happened/);
  });

  it('is inconclusive where the flood was too short, or affinities were not read', () => {
    const short = judgeWith(irqSpread, history(moved, span('flood', 20, 39)), PARAMS);
    assert.equal(short.verdict, 'inconclusive');
    assert.match(short.summary, /lasted 19s; 3 intervals to spread and one to look take 20s/);
    const blind = moved.filter(({ probe }) => probe !== 'irqs');
    const finding = judgeWith(irqSpread, history(blind), PARAMS);
    assert.equal(finding.verdict, 'inconclusive');
    assert.match(finding.summary, /was not read/);
  });

  it('goes by packets and softirqs where the NICs are polled', () => {
    const polled = (cpus: readonly [number, number]) =>
      judgeWith(irqSpread, history(samplesOf(() => ({ cpus, polled: true }))), PARAMS);
    assert.equal(polled([0, 1]).verdict, 'pass');
    assert.equal(polled([1, 1]).verdict, 'fail');
    const one = samplesOf(() => ({ cpus: [0, 1] })).map((sample) => {
      if (sample.probe !== 'interrupts') return sample;
      // CPU 1 polls its NIC, CPU 0 is interrupted by its own more often than there are softirqs.
      const { tMs } = sample;
      return {
        ...sample,
        values: { '30:virtio3-input.0.cpu0': tMs, '34:virtio5-input.0.cpu1': 1 },
      };
    });
    assert.equal(judgeWith(irqSpread, history(one), PARAMS).verdict, 'pass');
  });

  it('is not blinded by readings that failed', () => {
    const holes = moved.map((sample) =>
      sample.tMs % 11_000 === 0 ? { ...sample, values: {} } : sample,
    );
    const [whole, holed] = [moved, holes].map((one) => judgeWith(irqSpread, history(one), PARAMS));
    assert.equal(holed?.verdict, 'pass', holed?.summary);
    assert.equal(holed.evidence['interrupts'], whole?.evidence['interrupts']);
  });

  it('takes an interval without readings for nothing', () => {
    const hole = moved.filter(({ tMs }) => tMs < 45_000 || tMs > 50_000);
    const { evidence } = judgeWith(irqSpread, history(hole), PARAMS);
    assert.equal(evidence['intervalsUntilSpread'], 2);
  });

  it('counts nothing twice where two readings came one before the other', () => {
    const swapped = moved.map((sample) => {
      const earlier = moved.find(
        ({ probe, tMs }) => probe === sample.probe && tMs === sample.tMs - 2_000,
      );
      return sample.tMs === 45_000 && earlier ? { ...sample, values: earlier.values } : sample;
    });
    const [whole, odd] = [moved, swapped].map((one) => judgeWith(irqSpread, history(one), PARAMS));
    for (const counted of ['packets', 'interrupts', 'netRx'])
      assert.equal(odd?.evidence[counted], whole?.evidence[counted], counted);
  });

  describe('since a NIC came back', () => {
    const reattached = [...FLOOD, ...span('nic-reattach', 22, 26)];
    const since = { ...PARAMS, since: 'nic-reattach' };
    const back = (cpus: readonly [number, number], names: readonly [string, string]) =>
      samplesOf((second) =>
        second < 22
          ? { cpus: [0, 1] }
          : second < 26
            ? { cpus: [undefined, undefined] }
            : { cpus, names },
      );

    it('counts from there, across new numbers and old ones that begin anew', () => {
      const names = ['30:virtio3-input.0', '41:virtio5-input.0'] as const;
      const good = judgeWith(irqSpread, history(back([0, 1], names), reattached), since);
      assert.equal(good.verdict, 'pass', good.summary);
      assert.equal(good.evidence['intervalsUntilSpread'], 0);
      // 19 s from the end of the third interval to that of the flood, 300 a second on each, 5 of its own.
      assert.equal(good.evidence['interrupts'], 19 * 605);
      const bad = judgeWith(irqSpread, history(back([1, 1], names), reattached), since);
      assert.equal(bad.verdict, 'fail');
    });

    it('is inconclusive where the NIC never came back', () => {
      const finding = judgeWith(irqSpread, history(moved), since);
      assert.equal(finding.verdict, 'inconclusive');
      assert.match(finding.summary, /nic-reattach never ended on w1/);
    });
  });

  describe('with a balancer whose log must show that it ran', () => {
    const at = (second: number, text: string): string =>
      `2026-11-22T12:00:${String(second).padStart(2, '0')}.000001+0000 w1 irqbalance[7]: ${text}\n`;
    const looks = (...seconds: number[]): string =>
      seconds.map((second) => at(second, 'Package 0:  numa_node 0 (load 1)')).join('');
    const judged = (samples: readonly Sample[], log?: string) =>
      judgeWith(
        irqSpread,
        history(samples, FLOOD, log === undefined ? {} : { 'w1/irqbalance.log': log }),
        { ...PARAMS, balancer: 'irqbalance' },
      );

    it('judges, and counts how often it looked under load and what it selected', () => {
      const log = looks(15, 24, 29, 34, 39) + at(29, 'Selecting irq 30 for rebalancing');
      const { verdict, evidence } = judged(moved, log);
      assert.equal(verdict, 'pass');
      assert.equal(evidence['looksOfBalancer'], 4);
      assert.equal(evidence['selectedByBalancer'], 1);
      assert.equal(judged(piled, log).verdict, 'fail');
    });

    it('is inconclusive where it did not look, stopped looking, or left no log', () => {
      for (const samples of [piled, moved]) {
        assert.equal(judged(samples).verdict, 'inconclusive');
        assert.equal(judged(samples, looks(3, 8, 13, 18)).verdict, 'inconclusive');
        const { verdict, summary } = judged(samples, looks(13, 18, 23, 28));
        assert.equal(verdict, 'inconclusive');
        assert.match(summary, /w1\/irqbalance\.log the balancer looked 2 times.*minimum 3/);
      }
    });

    it('tells what the kernel did not let it do, each interrupt once', () => {
      const refused = [30, 30, 34].map((irq) =>
        at(9, `Cannot change IRQ ${irq} affinity: Read-only file system`),
      );
      const { details } = judged(piled, refused.join('') + looks(24, 29, 34, 39));
      assert.match(
        details.join('\n'),
        /w1: the balancer could not move 2 interrupts: Read-only file system/,
      );
    });
  });
});
