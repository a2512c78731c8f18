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
