import assert from 'node:assert/strict';
import type { HistoryEvent, Sample } from '../../../../harness/core/history.ts';
import { dropCount } from '../../../../harness/judge/checkers/drop-count.ts';
import { historyOf } from '../../../support/history.ts';
import { judgeWith } from '../../../support/judge-with.ts';

type Values = Record<string, number>;
const STILL: Record<string, Values> = {
  softnet: { 'cpu0.dropped': 5, 'cpu0.time_squeeze': 100 },
  netdev: { 'eth0.rx_drop': 9, 'veth1.tx_drop': 1 },
  snmp: { 'Ip.InDiscards': 0, 'Ip.OutDiscards': 0 },
  netstat: { 'TcpExt.ListenDrops': 0 },
  'drop-rules': {},
};

/** One reading a second from 9 s to 31 s; baseline is 10 s to 20 s, fault 20 s to 30 s. */
function samples(
  node: string,
  of: (second: number, probe: string) => Values | undefined = () => undefined,
  probes = Object.keys(STILL),
): Sample[] {
  return Array.from({ length: 23 }, (_, index) => index + 9).flatMap((second) =>
    probes.map((probe) => ({
      tMs: second * 1_000,
      node,
      probe,
      values: of(second, probe) ?? STILL[probe] ?? {},
    })),
  );
}
const history = (given: readonly Sample[], events: readonly HistoryEvent[] = []) =>
  historyOf({ baseline: 10, fault: 10 }, { samples: given, events });
const w2 = samples('w2');

describe('drop-count', () => {
  it('passes when no drop counter moves; time_squeeze and veth are no drops', () => {
    const noisy = samples('w1', (second, probe) =>
      probe === 'softnet'
        ? { 'cpu0.dropped': 5, 'cpu0.time_squeeze': 100 + second }
        : probe === 'netdev'
          ? { 'eth0.rx_drop': 9, 'veth1.tx_drop': second }
          : undefined,
    );
    const finding = judgeWith(dropCount, history([...noisy, ...w2]));
    assert.equal(finding.verdict, 'pass', finding.summary);
    assert.equal(finding.evidence['dropsMax'], 0);
  });

  it('counts the planted drops exactly, by name of counter and node', () => {
    const planted = samples('w1', (second, probe) => {
      if (second < 24) return undefined;
      if (probe === 'snmp') return { 'Ip.InDiscards': 0, 'Ip.OutDiscards': second < 25 ? 20 : 37 };
      // The rule is there from 24 s to 28 s: its first reading already counts.
      if (probe === 'drop-rules' && second < 28) {
        const rule: Values = {};
        rule['filter/OUTPUT/coalmine-x-f1'] = second < 25 ? 20 : 37;
        return rule;
      }
      return undefined;
    });
    const finding = judgeWith(dropCount, history([...planted, ...w2]));
    assert.equal(finding.verdict, 'fail');
    assert.equal(finding.evidence['w1 drop-rules/filter/OUTPUT/coalmine-x-f1'], 37);
    assert.equal(finding.evidence['w1 snmp/Ip.OutDiscards'], 37);
    assert.equal(finding.evidence['dropsMax'], 37);
    assert.match(finding.summary, /w1: .* counted 37 drops, limit 0 \[fault 37\]/);
  });

  it('fails on a single drop, up to the last reading and even between two readings of a phase', () => {
    const late = samples('w1', (second, probe) =>
      probe === 'netstat' && second >= 31 ? { 'TcpExt.ListenDrops': 1 } : undefined,
    );
    assert.equal(judgeWith(dropCount, history([...late, ...w2])).verdict, 'fail');
    const early = samples('w1', (second, probe) =>
      probe === 'netstat' && second >= 10
        ? { 'TcpExt.ListenDrops': second < 21 ? 1 : 2 }
        : undefined,
    );
    assert.equal(judgeWith(dropCount, history([...early, ...w2])).evidence['dropsMax'], 1);
  });

  it('is inconclusive where the named baseline is no phase', () => {
    const finding = judgeWith(dropCount, history([...samples('w1'), ...w2]), {
      baseline: 'basline',
    });
    assert.equal(finding.verdict, 'inconclusive');
    assert.match(finding.summary, /no phase basline/);
  });

  it('takes off what the baseline lets expect, and no more', () => {
    const noise = (perSecond: number) =>
      samples('w1', (second, probe) =>
        probe === 'netdev'
          ? {
              'eth0.rx_drop': second * 2 + Math.max(0, second - 20) * perSecond,
              'veth1.tx_drop': 1,
            }
          : undefined,
      );
    assert.equal(judgeWith(dropCount, history([...noise(0), ...w2])).verdict, 'pass');
    assert.equal(judgeWith(dropCount, history([...noise(3), ...w2])).verdict, 'fail');
  });

  it('has limits, one for all or by pattern', () => {
    const drops = samples('w1', (second, probe) =>
      probe === 'netstat' && second > 22 ? { 'TcpExt.ListenDrops': 4 } : undefined,
    );
    const given = history([...drops, ...w2]);
    const verdict = (params: Record<string, unknown>) =>
      judgeWith(dropCount, given, params).verdict;
    assert.equal(verdict({ max: 4 }), 'pass');
    assert.equal(verdict({ max: 3 }), 'fail');
    assert.equal(verdict({ max: { '*': 1, 'netstat/*': 4 } }), 'pass');
    assert.equal(verdict({ max: { 'snmp/*': 4 } }), 'fail');
    assert.equal(verdict({ counters: ['snmp/*'] }), 'pass');
    assert.equal(verdict({ counters: ['netstat/*'] }), 'fail');
    assert.equal(verdict({ except: ['fault'] }), 'inconclusive');
  });

  it('tells a wrap from a reset, and counts a new device from 0', () => {
    const wrapped = samples('w1', (second, probe) => {
      if (probe === 'softnet')
        return {
          'cpu0.dropped': second < 25 ? 2 ** 32 - 2 : 1,
          'cpu1.dropped': second < 25 ? 900 : 4,
        };
      if (probe === 'netdev' && second > 25) return { 'eth1.rx_drop': 7 };
      return undefined;
    });
    const { evidence, details } = judgeWith(dropCount, history([...wrapped, ...w2]));
    assert.equal(evidence['w1 softnet/cpu0.dropped'], 3);
    assert.equal(evidence['w1 softnet/cpu1.dropped'], 4);
    assert.equal(evidence['w1 netdev/eth1.rx_drop'], 7);
    assert.ok(details.some((line) => line.includes('softnet') && line.includes('host-wide')));
  });

  it('counts from 0 after a boot, and takes nothing of before it for a wrap or for seen', () => {
    const boot = (tS: number, id: string): HistoryEvent => ({
      ...{ tMs: tS * 1_000, kind: 'boot', node: 'w1', id, atMs: tS * 1_000 - 500, errorMs: 5 },
    });
    const reset = samples('w1', (second, probe) =>
      probe === 'softnet'
        ? { 'cpu0.dropped': second < 25 ? 2 ** 32 - 2 : 0, 'cpu1.dropped': second < 25 ? 5 : 8 }
        : undefined,
    );
    const drops = (...boots: HistoryEvent[]) => {
      const { evidence } = judgeWith(dropCount, history([...reset, ...w2], boots));
      const of = (cpu: number) => evidence[`w1 softnet/cpu${cpu}.dropped`] ?? 0;
      return [of(0), of(1)];
    };
    assert.deepEqual(drops(boot(9, 'a'), boot(25, 'b')), [0, 8]);
    // The same kernel, or nobody knows of another one: a wrap, and a step of three.
    assert.deepEqual(drops(boot(9, 'a'), boot(25, 'a')), [2, 3]);
    assert.deepEqual(drops(), [2, 3]);
  });

  it('takes an unreadable file for no reset', () => {
    const hole = samples('w1', (second, probe) =>
      probe === 'drop-rules' && (second < 23 || second > 24)
        ? { 'FORWARD/policy': 5 }
        : probe === 'netdev' && second >= 23 && second < 25
          ? {}
          : undefined,
    );
    assert.equal(judgeWith(dropCount, history([...hole, ...w2])).verdict, 'pass');
  });

  it('is inconclusive where a node, a probe or a counter was not read', () => {
    assert.equal(judgeWith(dropCount, history([])).verdict, 'inconclusive');
    assert.equal(judgeWith(dropCount, history(w2)).verdict, 'inconclusive');
    const blind = samples('w1', undefined, ['snmp', 'netstat', 'netdev']);
    const finding = judgeWith(dropCount, history([...blind, ...w2]));
    assert.match(finding.summary, /softnet of w1 was read 0 times in baseline/);
    const short = samples('w1').filter(({ tMs }) => tMs < 21_000);
    assert.equal(judgeWith(dropCount, history([...short, ...w2])).verdict, 'inconclusive');
    const unknown = { counters: ['snmp/Ip.NoSuch'] };
    assert.equal(
      judgeWith(dropCount, history([...samples('w1'), ...w2]), unknown).verdict,
      'inconclusive',
    );
  });

  it('is inconclusive where readings came, and held nothing that was understood', () => {
    const without = (node: string, ...probes: string[]) =>
      samples(node, (_, probe) => (probes.includes(probe) ? {} : undefined));
    const all = Object.keys(STILL);
    const of = (...given: Sample[][]) => judgeWith(dropCount, history(given.flat()));
    const none = of(without('w1', ...all), without('w2', ...all));
    assert.equal(none.verdict, 'inconclusive');
    const half = of(samples('w1'), without('w2', ...all));
    assert.equal(half.verdict, 'inconclusive');
    assert.match(
      half.summary,
      /softnet of w2 was read 0 times in baseline \(11 readings were empty\)/,
    );
    // Something was understood, but not what matters.
    const renamed = samples('w2', (_, probe) =>
      probe === 'snmp' ? { 'Ip.InReceives': 3 } : undefined,
    );
    const odd = of(samples('w1'), renamed);
    assert.equal(odd.verdict, 'inconclusive');
    assert.match(odd.summary, /^no counter of w2 fits snmp\/Ip\.InDiscards/);
  });

  it('is inconclusive where a named counter is missing on one node, or was never there at all', () => {
    const conntrack = (node: string, values: Values) =>
      samples(node, (_, probe) => (probe === 'conntrack' ? values : undefined), [
        ...Object.keys(STILL),
        'conntrack',
      ]);
    const named = (counters: string[], ...given: Sample[][]) =>
      judgeWith(dropCount, history(given.flat()), { counters });
    const [w1, other] = [conntrack('w1', { insert_failed: 0 }), conntrack('w2', { count: 5 })];
    const counters = ['conntrack/insert_failed'];
    assert.equal(named(counters, w1, conntrack('w2', { insert_failed: 0 })).verdict, 'pass');
    const lacking = named(counters, w1, other);
    assert.equal(lacking.verdict, 'inconclusive');
    assert.match(lacking.summary, /^no counter of w2 fits conntrack\/insert_failed/);
    assert.equal(named(['netdev/eth3.rx_drop'], samples('w1'), w2).verdict, 'inconclusive');
    assert.equal(named(['drop-rules/*'], samples('w1'), w2).verdict, 'inconclusive');
    const [blind] = [samples('w1', undefined, ['softnet'])];
    assert.equal(named(['drop-rules/*'], blind, w2).verdict, 'inconclusive');
    // A rule that one node has, and the other could have had.
    const rule = samples('w1', (_, probe) =>
      probe === 'drop-rules' ? { 'INPUT/policy': 5 } : undefined,
    );
    assert.equal(named(['drop-rules/*'], rule, w2).verdict, 'pass');
    const unread = named(['drop-rules/*'], rule, samples('w2', undefined, ['softnet']));
    assert.match(unread.summary, /drop-rules of w2 was read 0 times/);
  });

  it('takes a pod that is left out of one answer for no new one', () => {
    const pods = (of: (second: number) => Values) =>
      judgeWith(
        dropCount,
        history([
          ...samples('w1', of, ['cadvisor']),
          ...samples('w2', () => ({ 'kube-system/b.eth0.rx_dropped': 0 }), ['cadvisor']),
        ]),
        { counters: ['cadvisor/*'] },
      );
    const other = { 'kube-system/a.eth0.rx_dropped': 0 };
    const dns = (drops: number): Values => ({ 'kube-system/dns.eth0.rx_dropped': drops, ...other });
    const still = pods((second) => (second === 25 ? other : dns(40)));
    assert.equal(still.verdict, 'pass', still.summary);
    // One more while nobody looked; and a pod of that name that is another one.
    const key = 'w1 cadvisor/kube-system/dns.eth0.rx_dropped';
    const moved = pods((second) => (second === 25 ? other : dns(second < 25 ? 40 : 41)));
    assert.equal(moved.evidence[key], 1);
    const again = pods((second) => (second === 25 ? other : dns(second < 25 ? 40 : 3)));
    assert.equal(again.evidence[key], 3);
  });

  it('takes a rate of the baseline for no excuse of a burst', () => {
    const noisy = (of: (second: number) => number) =>
      judgeWith(
        dropCount,
        historyOf(
          { baseline: 5, churn: 105 },
          {
            plan: { nodes: 1 },
            samples: Array.from({ length: 111 }, (_, index) => index).flatMap((second) =>
              Object.entries(STILL).map(([probe, values]) => ({
                ...{ tMs: 10_000 + second * 1_000, node: 'w1', probe },
                values: probe === 'softnet' ? { 'cpu0.dropped': of(second) } : values,
              })),
            ),
          },
        ),
      );
    const burst = noisy((second) => (second >= 2 ? 10 : 0) + (second >= 60 ? 240 : 0));
    assert.equal(burst.verdict, 'fail', burst.summary);
    assert.match(
      burst.summary,
      /counted 240 drops, 221 of them in bursts beyond any in the baseline/,
    );
    // As many, but as they came in the baseline.
    const steady = noisy((second) => 2 * second);
    assert.equal(steady.verdict, 'pass', steady.summary);
    const bursts = noisy((second) => 10 * Math.floor((second + 3) / 5));
    assert.equal(bursts.verdict, 'pass', bursts.summary);
  });

  it('asks for no readings of a node that slept, and still counts over the gap', () => {
    const gap: HistoryEvent = {
      tMs: 30_000,
      kind: 'agent-gap',
      node: 'w1',
      fromMs: 20_200,
      gapMs: 9_600,
    };
    const slept = (drops: number) =>
      samples('w1', (second, probe) =>
        probe === 'netstat' && second > 29 ? { 'TcpExt.ListenDrops': drops } : undefined,
      ).filter(({ tMs }) => tMs < 20_200 || tMs > 29_800);
    assert.equal(judgeWith(dropCount, history([...slept(0), ...w2], [gap])).verdict, 'pass');
    assert.equal(judgeWith(dropCount, history([...slept(2), ...w2], [gap])).verdict, 'fail');
  });
});
