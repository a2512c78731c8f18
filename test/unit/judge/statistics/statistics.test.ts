import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dropCounterOf, matches } from '../../../../harness/judge/drop-counters.ts';
import { chanceOfAtLeast } from '../../../../harness/judge/statistics/chance.ts';
import { distributionOf } from '../../../../harness/judge/statistics/distribution.ts';
import { increase } from '../../../../harness/judge/statistics/increase.ts';

describe('chance', () => {
  it('is that of a binomial distribution', () => {
    const near = (value: number, expected: number) => {
      assert.ok(Math.abs(value - expected) < 1e-6, `${value} is not ${expected}`);
    };
    near(chanceOfAtLeast(1, { of: 2, share: 0.5 }), 0.75);
    near(chanceOfAtLeast(2, { of: 2, share: 0.5 }), 0.25);
    near(chanceOfAtLeast(3, { of: 60, share: 0.001 }), 0.000_033);
    near(chanceOfAtLeast(60, { of: 60, share: 0.001 }), 0);
    // As many as are expected, of so many that no single outcome is likely.
    const half = chanceOfAtLeast(50_000, { of: 100_000, share: 0.5 });
    assert.ok(half > 0.5 && half < 0.51);
  });

  it('is certain of none, and sees no chance where none is allowed', () => {
    assert.equal(chanceOfAtLeast(0, { of: 10, share: 0.1 }), 1);
    assert.equal(chanceOfAtLeast(0, { of: 10, share: 0 }), 1);
    assert.equal(chanceOfAtLeast(1, { of: 10, share: 0 }), 0);
    assert.equal(chanceOfAtLeast(10, { of: 10, share: 1 }), 1);
  });
});

describe('distribution', () => {
  it('is by nearest rank, and nothing for nothing', () => {
    assert.equal(distributionOf([]), undefined);
    assert.deepEqual(distributionOf([7]), { count: 1, p50: 7, p99: 7, max: 7 });
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.deepEqual(distributionOf(hundred), { count: 100, p50: 50, p99: 99, max: 100 });
  });

  it('is made of values that were measured, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1 }), (values) => {
        const { p50 = NaN, p99 = NaN, max = NaN } = distributionOf(values) ?? {};
        assert.ok([p50, p99, max].every((one) => values.includes(one)));
        assert.ok(p50 <= p99 && p99 <= max && max === Math.max(...values));
      }),
    );
  });
});

describe('increase', () => {
  it('finds every step of a 32-bit counter across its wrap', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.nat(0x7fff_fffe), (before, step) => {
        assert.equal(increase(before, (before + step) % 2 ** 32, 32), step);
      }),
    );
  });

  it('takes a fall for a reset where a wrap would be too large a step, and always with 64 bits', () => {
    assert.equal(increase(5_000, 0, 32), 0);
    assert.equal(increase(5_000, 12, 32), 12);
    assert.equal(increase(2 ** 32 - 1, 2, 64), 2);
    assert.equal(increase(3, 10, 64), 7);
  });
});

describe('drop counters', () => {
  it('are real drops only', () => {
    const real = [
      'softnet/cpu3.dropped',
      'netdev/eth0.rx_drop',
      'conntrack/insert_failed',
      'cadvisor/kube-system/coredns-x.eth0.rx_dropped',
      'qdisc/eth0.fq_codel.drops',
    ];
    const none = [
      'softnet/cpu3.time_squeeze',
      'netdev/veth12ab.tx_drop',
      'cadvisor/kube-system/kube-proxy-x.veth12ab.tx_dropped',
      'snmp/Udp.InErrors',
      'netdev/eth0.rx_packets',
    ];
    for (const counter of real) assert.ok(dropCounterOf(counter, undefined), counter);
    for (const counter of none) assert.equal(dropCounterOf(counter, undefined), undefined, counter);
    assert.ok(dropCounterOf('netdev/veth12ab.tx_drop', ['netdev/veth*']));
  });

  it('are named by patterns in which only * is special', () => {
    assert.ok(matches('drop-rules/filter/*/a.b', 'drop-rules/filter/OUTPUT/a.b'));
    assert.ok(!matches('snmp/Ip.OutDiscards', 'snmp/IpxOutDiscards'));
    assert.ok(!matches('softnet/cpu*', 'x/softnet/cpu0'));
  });
});
