/** What of ipvs is an entry, what drains, and which virtual servers are node ports. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createIdleBackends } from '../../../../harness/observe/freshness/idle.ts';
import { parseIpvsRules } from '../../../../harness/observe/freshness/ipvs.ts';
import { ownAddressesIn } from '../../../../harness/observe/freshness/node-addresses.ts';
import { createReader } from '../../../../harness/observe/freshness/node-rules.ts';
import { ipvsSource } from '../../../../harness/observe/freshness/rule-source.ts';
import type { EventOf } from '../../../../harness/core/history.ts';
import type { KernelRules } from '../../../../harness/observe/freshness/rules.ts';

const TEXT = readFileSync(
  path.resolve(import.meta.dirname, '../../../fixtures/proc/linux-6.1/ip_vs.txt'),
  'utf8',
);
/** eth0, loopback, and by its range the gateway of the node's pods. */
const OWN = {
  known: ['10.0.2.15'],
  all: new Set(['10.0.2.15', '127.0.0.1']),
  podRanges: ['10.244.1.0/24'],
};
const VIP = '10.96.7.7:7000/TCP';
const DRAINING = '10.244.1.6:7000';

describe('freshness: ipvs', () => {
  it('takes real servers with weight for entries, and none that drain', () => {
    const rules = parseIpvsRules(TEXT, 'IPv4', OWN);
    assert.deepEqual([...(rules?.get(VIP)?.endpoints ?? [])], ['10.244.1.5:7000']);
    assert.deepEqual([...(rules?.get('10.96.0.10:53/UDP')?.endpoints ?? [])].toSorted(), [
      '10.244.2.2:53',
      '10.244.2.3:53',
    ]);
  });

  it('keeps the families apart', () => {
    const six = parseIpvsRules(TEXT, 'IPv6', OWN);
    assert.deepEqual([...(six?.keys() ?? [])], ['[fd00:10:96::a]:53/TCP']);
    assert.deepEqual([...(six?.values().next().value?.endpoints ?? [])], ['[fd00:10:244:1::5]:53']);
  });

  it('shows a node port once, as it is at the address by which the cluster knows the node', () => {
    const keys = [...(parseIpvsRules(TEXT, 'IPv4', OWN)?.keys() ?? [])];
    assert.deepEqual(
      keys.filter((key) => key.includes('30080')),
      ['nodePort:30080/TCP'],
    );
    const elsewhere = TEXT.replace('0A00020F:7580', '0A000210:7580');
    const without = parseIpvsRules(elsewhere, 'IPv4', OWN);
    assert.ok(!without?.has('nodePort:30080/TCP'), 'the one that counts is not there');
    assert.ok(
      without?.has('10.0.2.16:30080/TCP'),
      'an address of nobody is a front that nobody wants',
    );
  });

  it('knows who drains with nothing left to drain', () => {
    const idleIn = (text: string): string[] => [
      ...(parseIpvsRules(text, 'IPv4', OWN)?.get(VIP)?.idle ?? []),
    ];
    const row = '  -> 0AF40106:1B58      Masq    0      1          0         ';
    assert.ok(TEXT.includes(row));
    assert.deepEqual(idleIn(TEXT), [], 'it has a connection');
    assert.deepEqual(idleIn(TEXT.replace(row, row.replace('1          0', '0          0'))), [
      DRAINING,
    ]);
    const closing = row.replace('1          0', '0          1');
    assert.deepEqual(idleIn(TEXT.replace(row, closing)), [], 'it has one that ends');
    assert.deepEqual(
      idleIn(TEXT.replace(row, row.replace('0      1 ', '1      0 '))),
      [],
      'it has weight',
    );
  });

  it('takes a damaged text for a reading that failed', () => {
    const read = createReader(ipvsSource('IPv4', OWN));
    assert.ok(read(TEXT) instanceof Map);
    assert.equal(read(undefined), 'same');
    assert.equal(read(TEXT.slice(0, -20)), undefined);
    assert.equal(read(undefined), undefined);
    assert.equal(read(null), undefined, 'a kernel without ip_vs has no such file');
  });

  it('knows the node’s own addresses from those that kube-proxy lends it', () => {
    const shown = JSON.stringify([
      { ifname: 'lo', addr_info: [{ local: '127.0.0.1' }, { local: '::1' }] },
      { ifname: 'eth0', addr_info: [{ local: '172.31.0.10' }, {}] },
      { ifname: 'kube-ipvs0', addr_info: [{ local: '10.96.0.1' }] },
    ]);
    assert.deepEqual(ownAddressesIn(shown), ['127.0.0.1', '::1', '172.31.0.10']);
  });
});

describe('freshness: drained backends that stay', () => {
  const rules = (...idle: string[]): KernelRules =>
    new Map([[VIP, { name: undefined, endpoints: new Set<string>(), idle: new Set(idle) }]]);

  it('are told when they are gone, with their age, or at the end', () => {
    const events: EventOf<'rule-episode'>[] = [];
    const backends = createIdleBackends(
      (_, endpoint) => ({ node: 'n1', service: 'default/a', port: 'flow/TCP', endpoint }),
      (event) => events.push(event),
    );
    backends.reading(100, rules());
    backends.reading(200, rules(DRAINING));
    backends.reading(300, rules(DRAINING));
    backends.reading(400, rules());
    backends.reading(500, rules(DRAINING));
    backends.stop(900);
    backends.stop(950);
    assert.deepEqual(
      events.map(({ error, endpoint, sinceMs, untilMs }) => [error, endpoint, sinceMs, untilMs]),
      [
        ['lingering', DRAINING, 200, 400],
        ['lingering', DRAINING, 500, null],
      ],
    );
  });
});
