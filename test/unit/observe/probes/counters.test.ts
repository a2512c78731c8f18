/** The kernel's counters as several kernels print them, and what becomes of them when the text is damaged. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { parseConntrackStatistics } from '../../../../harness/observe/probes/conntrack.ts';
import { PROBES } from '../../../../harness/observe/probes/index.ts';
import { parseCpuTable } from '../../../../harness/observe/probes/interrupts.ts';
import { parseNetdev } from '../../../../harness/observe/probes/netdev.ts';
import { parseQdiscs } from '../../../../harness/observe/probes/qdisc.ts';
import { parsePairs } from '../../../../harness/observe/probes/snmp.ts';
import { parseSoftnet } from '../../../../harness/observe/probes/softnet.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../../../fixtures/proc/linux-6.18');
const captured = (name: string): string => readFileSync(path.join(FIXTURES, name), 'utf8');

const u32 = (...columns: number[]): string =>
  `${columns.map((value) => value.toString(16).padStart(8, '0')).join(' ')}\n`;

describe('softnet', () => {
  it('reads 15 columns, in which the CPU is named (6.3 and later)', () => {
    const values = parseSoftnet(captured('softnet_stat.txt'));
    assert.equal(Object.keys(values).length, 2 * 6);
    assert.ok((values['cpu1.processed'] ?? 0) > 0);
    assert.equal(values['cpu1.dropped'], 0);
  });

  it('goes by the place of a line where no CPU is named (before 5.10), and by the name where one is', () => {
    const old = u32(7, 1, 2, 0, 0, 0, 0, 0, 0, 3) + u32(8, 0xffffffff, 0, 0, 0, 0, 0, 0, 0, 0);
    const values = parseSoftnet(old);
    assert.equal(values['cpu0.received_rps'], 3);
    assert.equal(values['cpu0.flow_limit_count'], undefined);
    assert.equal(values['cpu1.dropped'], 4_294_967_295);
    const unplugged = parseSoftnet(u32(7, 1, 2, 0, 0, 0, 0, 0, 0, 0, 5, 6, 3));
    assert.deepEqual(unplugged, {
      'cpu3.processed': 7,
      'cpu3.dropped': 1,
      'cpu3.time_squeeze': 2,
      'cpu3.received_rps': 0,
      'cpu3.flow_limit_count': 5,
      'cpu3.backlog': 6,
    });
  });
});

describe('netdev', () => {
  it('names devices and columns', () => {
    const values = parseNetdev(captured('dev.txt'));
    assert.ok((values['eth0.rx_bytes'] ?? 0) > 0 && (values['eth0.tx_packets'] ?? 0) > 0);
    assert.equal(values['lo.rx_drop'], 0);
    assert.equal(values['lo.tx_carrier'], 0);
  });

  it('reads a device whose count touches its name', () => {
    const [top = '', columns = ''] = captured('dev.txt').split('\n');
    const line = 'enp0s1:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16';
    const values = parseNetdev(`${top}\n${columns}\n${line}\n`);
    assert.equal(values['enp0s1.rx_drop'], 4);
    assert.equal(values['enp0s1.tx_drop'], 12);
  });
});

describe('snmp and netstat', () => {
  it('join names and values', () => {
    const values = { ...parsePairs(captured('snmp.txt')), ...parsePairs(captured('netstat.txt')) };
    for (const name of [
      'Ip.InDiscards',
      'Udp.RcvbufErrors',
      'TcpExt.ListenDrops',
      'TcpExt.TCPBacklogDrop',
    ])
      assert.equal(typeof values[name], 'number', name);
    assert.equal(values['Tcp.MaxConn'], -1);
  });

  it('leave out a pair that does not fit together', () => {
    assert.deepEqual(parsePairs('Ip: A B\nIp: 1\nUdp: C\nUdp: 2\nTcp: D\nUdp: 3\n'), {
      'Udp.C': 2,
    });
  });
});

describe('conntrack', () => {
  const old =
    'entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n';

  it('finds columns by name, adds up the CPUs, and wraps as each of them does', () => {
    const line = (insertFailed: number, drop: number): string =>
      u32(0x21, 0, 0, 0, 1, 0, 0, 0, 0, insertFailed, drop, 0, 0, 0, 0, 0, 0);
    const values = parseConntrackStatistics(old + line(2, 0xffffffff) + line(3, 2));
    assert.equal(values['insert_failed'], 5);
    assert.equal(values['drop'], 1);
    assert.equal(values['entries'], 0x21);
    assert.equal(values['invalid'], 2);
  });

  it('knows the names of a new kernel', () => {
    const values = parseConntrackStatistics(captured('nf_conntrack.txt'));
    assert.equal(values['clashres'], 0);
    assert.equal(values['insert_failed'], 0);
  });

  it('says nothing without a header', () => {
    assert.deepEqual(parseConntrackStatistics(u32(1, 2, 3)), {});
  });
});

describe('interrupts and softirqs', () => {
  it('name who asked for a numbered interrupt', () => {
    const values = parseCpuTable(captured('interrupts.txt'));
    assert.ok((values['42:virtio3-tx.cpu1'] ?? 0) > 0);
    assert.ok((values['LOC.cpu0'] ?? 0) > 0);
    assert.equal(
      Object.keys(values).some((key) => key.startsWith('ERR')),
      false,
    );
  });

  it('read CPUs with gaps, shared lines and lines without an owner', () => {
    const text = `           CPU0       CPU2
 16:     328511     322879  IR-IO-APIC-fasteoi   ehci_hcd:usb1, mmc0
 17:          1          2
NET_RX:  3  4
 18:          5\n`;
    assert.deepEqual(parseCpuTable(text), {
      '16:ehci_hcd:usb1, mmc0.cpu0': 328511,
      '16:ehci_hcd:usb1, mmc0.cpu2': 322879,
      '17.cpu0': 1,
      '17.cpu2': 2,
      'NET_RX.cpu0': 3,
      'NET_RX.cpu2': 4,
    });
    assert.ok((parseCpuTable(captured('softirqs.txt'))['NET_RX.cpu1'] ?? 0) > 0);
  });
});

describe('qdisc', () => {
  it('keys by device, kind and parent, and knows that noqueue counts nothing', () => {
    const text = JSON.stringify([
      { kind: 'noqueue', handle: '0:', dev: 'lo', root: true, drops: 0 },
      { kind: 'fq_codel', handle: '0:', dev: 'eth0', parent: ':1', drops: 3, qlen: 1 },
      { kind: 'fq_codel', handle: '0:', dev: 'eth0', parent: ':2', drops: 'x' },
      { dev: 'eth1' },
    ]);
    assert.deepEqual(parseQdiscs(text), {
      'eth0.fq_codel@:1.drops': 3,
      'eth0.fq_codel@:1.qlen': 1,
    });
  });
});

describe('every probe', () => {
  const texts = [
    'softnet_stat',
    'dev',
    'snmp',
    'netstat',
    'nf_conntrack',
    'interrupts',
    'softirqs',
  ].map((name) => captured(`${name}.txt`));
  const damaged = fc
    .tuple(
      fc.constantFrom(...texts),
      fc.nat(),
      fc.nat({ max: 40 }),
      fc.string({ unit: 'binary', maxLength: 8 }),
    )
    .map(([text, at, length, noise]) => {
      const from = at % text.length;
      return text.slice(0, from) + noise + text.slice(from + length);
    });

  it('has a name of its own, and a period', () => {
    assert.equal(new Set(PROBES.map(({ name }) => name)).size, PROBES.length);
    for (const { everyMsMin } of PROBES) assert.ok(everyMsMin >= 100);
  });

  it('says nothing of what cannot be read', () => {
    for (const probe of PROBES) {
      const keys = 'files' in probe.source ? probe.source.files : ['stdout'];
      assert.deepEqual(probe.parse(Object.fromEntries(keys.map((key) => [key, null]))), {});
      assert.deepEqual(probe.parse({}), {});
    }
  });

  it('makes numbers of damaged text, or nothing', () => {
    fc.assert(
      fc.property(damaged, (text) => {
        for (const probe of PROBES) {
          const keys = 'files' in probe.source ? probe.source.files : ['stdout'];
          const values = probe.parse(Object.fromEntries(keys.map((key) => [key, text])));
          for (const [key, value] of Object.entries(values))
            assert.ok(Number.isFinite(value), `${key}: ${value}`);
        }
      }),
    );
  });

  it('gives a line that is whole the same meaning, whatever was cut off behind it', () => {
    const parsers = [parseSoftnet, parseNetdev, parsePairs, parseCpuTable];
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat({ max: 60 }), (text, lines) => {
        const part = text.split('\n').slice(0, lines).join('\n');
        for (const parse of parsers) {
          const whole = parse(text);
          for (const [key, value] of Object.entries(parse(part)))
            assert.equal(value, whole[key], key);
        }
      }),
    );
  });
});
