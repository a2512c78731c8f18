/** What the kernel writes to /proc/net/ip_vs: a capture of kernel 6.1, and every way to cut it or damage it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { parseIpVs, type VirtualServer } from '../../../harness/core/ip-vs.ts';

const TEXT = readFileSync(
  path.resolve(import.meta.dirname, '../../fixtures/proc/linux-6.1/ip_vs.txt'),
  'utf8',
);
const HEAD = TEXT.split('\n').slice(0, 3).join('\n') + '\n';

const lines = (servers: readonly VirtualServer[] = []): Set<string> =>
  new Set(
    servers.flatMap(({ protocol, address, port, realServers }) =>
      realServers.map((one) => JSON.stringify([protocol, address, port, one])),
    ),
  );

describe('ip_vs', () => {
  it('reads virtual servers of both families, real servers, weights and connections', () => {
    const servers = parseIpVs(TEXT) ?? [];
    assert.equal(servers.length, 10);
    const flow = servers.find(({ port }) => port === 7_000);
    assert.deepEqual(flow, {
      protocol: 'TCP',
      address: '10.96.7.7',
      port: 7_000,
      scheduler: 'rr',
      realServers: [
        { address: '10.244.1.6', port: 7_000, weight: 0, activeConn: 1, inActConn: 0 },
        { address: '10.244.1.5', port: 7_000, weight: 1, activeConn: 1, inActConn: 0 },
      ],
    });
    const six = servers.find(({ address }) => address.includes(':'));
    assert.equal(six?.address, 'fd00:10:96::a');
    assert.equal(six.realServers[0]?.address, 'fd00:10:244:1::5');
    assert.deepEqual(
      servers.filter(({ protocol }) => protocol === 'UDP').map(({ port }) => port),
      [53],
    );
    assert.match(servers.find(({ port }) => port === 80)?.scheduler ?? '', /^rr {2}persistent/);
    assert.deepEqual(servers.find(({ port }) => port === 81)?.realServers, []);
  });

  it('leaves out what is chosen by a firewall mark, with its real servers', () => {
    assert.ok(TEXT.includes('FWM  00000007'));
    assert.ok(
      !(parseIpVs(TEXT) ?? []).some(({ realServers }) => realServers.some((r) => r.port === 0)),
    );
  });

  it('takes a table without servers for one, and nothing at all for a failure', () => {
    assert.deepEqual(parseIpVs(HEAD), []);
    for (const text of ['', '\n', 'IP Virtual Server version 1.2.1 (size=4096)\n'])
      assert.equal(parseIpVs(text), undefined);
  });

  it('never makes an entry of a cut text that the whole one does not have', () => {
    const all = lines(parseIpVs(TEXT));
    fc.assert(
      fc.property(fc.nat(TEXT.length - 1), (at) => {
        const cut = parseIpVs(TEXT.slice(0, at));
        if (TEXT[at - 1] !== '\n') assert.equal(cut, undefined);
        return [...lines(cut)].every((line) => all.has(line));
      }),
    );
  });

  it('refuses a text in which a line is none', () => {
    const rows = TEXT.split('\n');
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: rows.length - 2 }),
        fc.constantFrom(
          'garbage',
          '',
          '  -> 0AF40105:1F90      Masq    1',
          'TCP  0A6007:0050 rr  ',
        ),
        (at, word) => {
          const text = [...rows.slice(0, at), word, ...rows.slice(at)].join('\n');
          assert.equal(parseIpVs(text), undefined);
        },
      ),
    );
  });
});
