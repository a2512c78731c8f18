/** Rules as the real kube-proxy wrote them (test/fixtures/rules), against the objects of the API that it had. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { KubeObject } from '../../../../harness/core/kube.ts';
import { parseIptables } from '../../../../harness/observe/freshness/iptables.ts';
import { parseNftables } from '../../../../harness/observe/freshness/nftables.ts';
import type { Family, KernelRules } from '../../../../harness/observe/freshness/rules.ts';
import { differences, wantedOf } from '../../../support/rule-differences.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../../fixtures/rules');
const read = (name: string): string => readFileSync(path.join(FOLDER, name), 'utf8');
const OBJECTS = JSON.parse(read('objects.json')) as KubeObject[];
const TEXTS: [string, Family, (text: string) => KernelRules | undefined][] = [
  ['iptables-nft-ipv4.txt', 'IPv4', parseIptables],
  ['iptables-nft-ipv6.txt', 'IPv6', parseIptables],
  ['iptables-legacy-ipv4.txt', 'IPv4', parseIptables],
  ['iptables-legacy-ipv6.txt', 'IPv6', parseIptables],
  ['nftables-ipv4.txt', 'IPv4', parseNftables],
  ['nftables-ipv6.txt', 'IPv6', parseNftables],
];

function parsed(name: string): KernelRules {
  const [, , parse] = TEXTS.find(([file]) => file === name) ?? assert.fail(name);
  return parse(read(name)) ?? assert.fail('a complete text');
}

function cut(text: string, line: RegExp): string {
  const lines = text.split('\n');
  const kept = lines.filter((one) => !line.test(one));
  assert.ok(kept.length < lines.length, `nothing matches ${line.source}`);
  return kept.join('\n');
}

describe('freshness: rules as kube-proxy writes them', () => {
  for (const [name, family, parse] of TEXTS) {
    it(`${name} holds exactly what the API wants`, () => {
      const wanted = wantedOf(OBJECTS, 'n1', family);
      const kernel = parse(read(name)) ?? assert.fail('a complete text');
      assert.deepEqual(differences(wanted, kernel), []);
      assert.ok([...wanted.values()].some(({ endpoints }) => endpoints.size > 0));
    });

    it(`${name}, cut off anywhere, is no answer`, () => {
      const text = read(name);
      const [from, to] =
        parse === parseIptables
          ? [1, text.indexOf('COMMIT')]
          : [text.indexOf('table ip', text.indexOf('kube-proxy') - 12) + 20, text.length - 1];
      fc.assert(
        fc.property(fc.integer({ min: from, max: to }), (length) => {
          assert.equal(parse(text.slice(0, length)), undefined);
        }),
      );
    });

    it(`${name}, damaged anyhow, never throws`, () => {
      const text = read(name);
      const position = fc.integer({ min: 0, max: text.length });
      fc.assert(
        fc.property(position, position, fc.string({ maxLength: 30 }), (from, to, noise) => {
          parse(text.slice(0, Math.min(from, to)) + noise + text.slice(Math.max(from, to)));
          parse(text.slice(0, from) + text.slice(to));
        }),
        { numRuns: 300 },
      );
    });
  }

  it('tells the front and the name of each Service', () => {
    const byName = (name: string): string[] =>
      [...parsed('iptables-nft-ipv4.txt')].flatMap(([key, front]) =>
        front.name === name ? [key.replace(/^[\d.]+/, 'VIP').replace(/:3\d{4}/, ':3NNNN')] : [],
      );
    assert.deepEqual(byName('default/multi:dns'), ['VIP:53/UDP']);
    assert.deepEqual(byName('default/etp-local:http'), [
      'nodePort:3NNNN/TCP',
      'nodePort:3NNNN/TCP from node',
      'VIP:80/TCP',
    ]);
    const names = (file: string): string[] =>
      [...parsed(file).values()].map(({ name = '?' }) => name);
    const sorted = (file: string): string[] => [...new Set(names(file))].sort();
    assert.deepEqual(sorted('nftables-ipv4.txt'), sorted('iptables-nft-ipv4.txt'));
  });

  it('does without comments, as in large-cluster mode', () => {
    const bare = read('iptables-nft-ipv4.txt').replaceAll(/ -m comment --comment "[^"]*"/g, '');
    const wanted = wantedOf(OBJECTS, 'n1', 'IPv4');
    assert.deepEqual(differences(wanted, parseIptables(bare) ?? assert.fail()), []);
  });
});

describe('freshness: rules that somebody touched', () => {
  const wanted = wantedOf(OBJECTS, 'n1', 'IPv4');
  const iptables = read('iptables-nft-ipv4.txt');
  const nftables = read('nftables-ipv4.txt');
  const own = nftables.slice(nftables.indexOf('table ip kube-proxy'));
  const after = (text: string, parse: (text: string) => KernelRules | undefined): string[] =>
    differences(wanted, parse(text) ?? assert.fail('a complete text'));

  it('a KUBE-SEP chain that nothing leads to is no entry', () => {
    const orphan =
      '-A KUBE-SEP-NOBODYNOBODYNOBO -p tcp -m tcp -j DNAT --to-destination 10.9.9.9:1\n';
    assert.deepEqual(after(iptables.replace('COMMIT', `${orphan}COMMIT`), parseIptables), []);
  });

  it('a lost DNAT rule is a missing entry, a changed one a stale entry too', () => {
    const dnat = /default\/plain:http" -m tcp -j DNAT --to-destination 10\.244\.1\.1:8080/;
    assert.equal(after(cut(iptables, dnat), parseIptables).length, 1);
    const changed = iptables.replace(dnat, (line) => line.replace('8080', '8081'));
    const wrong = after(changed, parseIptables).map((text) => text.split(' ')[0]);
    assert.deepEqual(wrong, ['missing', 'stale']);
    const line = own.indexOf('dnat to 10.244.1.1:8080', own.indexOf('chain endpoint-'));
    const other = `${own.slice(0, line)}dnat to 10.244.1.1:1${own.slice(line + 23)}`;
    assert.ok(after(other, parseNftables).length >= 2);
  });

  it('a lost way in is missing with all that is behind it', () => {
    const vip = /-A KUBE-SERVICES .*default\/plain:http cluster IP/;
    assert.equal(after(cut(iptables, vip), parseIptables).length, 2);
    const nodePort = /-A KUBE-NODEPORTS -p tcp .*default\/affinity:http/;
    assert.equal(after(cut(iptables, nodePort), parseIptables).length, 2);
    assert.ok(after(cut(iptables, /-A OUTPUT .* -j KUBE-SERVICES/), parseIptables).length > 20);
    assert.ok(after(cut(own, /^\t\tjump services$/), parseNftables).length > 20);
    const short = /-A KUBE-EXT-.*(pod|route LOCAL) traffic for default\/etp-local/;
    assert.equal(after(cut(iptables, short), parseIptables).length, 2);
    assert.ok(
      after(cut(own, /goto service-\S+ comment "short-circuit/), parseNftables).length >= 2,
    );
  });

  it('a deleted table is empty, text that iptables cannot name is no answer', () => {
    assert.deepEqual(parseNftables(''), new Map());
    assert.deepEqual(parseNftables('table ip nat {\n}\n'), new Map());
    assert.deepEqual(parseIptables(''), new Map());
    assert.equal(
      parseIptables(iptables.replace('-j DNAT', '-j DNAT [unsupported revision]')),
      undefined,
    );
  });
});
