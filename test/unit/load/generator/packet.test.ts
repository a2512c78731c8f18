import assert from 'node:assert/strict';
import { decode, encode, RECURSION_DESIRED } from 'dns-packet';
import fc from 'fast-check';
import { dnsServer } from '../../../../harness/load/generator/dns/server.ts';
import {
  encodeQuery,
  messageId,
  rcodeName,
  readAnswer,
} from '../../../../harness/load/generator/dns/packet.ts';

const label = fc.stringMatching(/^[a-z0-9_]{1,20}$/);
const domain = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'));

describe('DNS packets', () => {
  it('are the bytes that dns-packet makes', () => {
    fc.assert(
      fc.property(domain, fc.constantFrom('A' as const, 'AAAA' as const), (name, type) => {
        const same = encode({
          ...{ type: 'query', id: 0, flags: RECURSION_DESIRED },
          questions: [{ name, type, class: 'IN' }],
        });
        assert.deepEqual(encodeQuery(name, type), same);
        assert.deepEqual(encodeQuery(`${name}.`, type), same);
      }),
    );
  });

  it('are not made of what is no name', () => {
    for (const name of ['', 'a..b', `${'a'.repeat(64)}.b`, 'abcdefg.'.repeat(40)])
      assert.throws(() => encodeQuery(name, 'A'), /is not a domain name/);
  });

  it('are an answer only to their own question', () => {
    const query = encodeQuery('a.test', 'A');
    const answer = encode({
      ...{ type: 'response', id: 0, flags: 3 },
      questions: decode(query).questions ?? [],
    });
    assert.equal(readAnswer(answer, query), 3);
    assert.equal(rcodeName(3), 'NXDOMAIN');
    assert.equal(rcodeName(9), 'RCODE9');
    assert.equal(readAnswer(answer, encodeQuery('b.test', 'A')), -1);
    assert.equal(readAnswer(answer, encodeQuery('a.test', 'AAAA')), -1);
    assert.equal(readAnswer(query, query), -1);
  });

  it('may be any garbage without harm', () => {
    const query = encodeQuery('a.test', 'A');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        assert.equal(readAnswer(Buffer.from(bytes), query), -1);
        assert.ok(messageId(Buffer.from(bytes)) >= -1);
      }),
    );
  });
});

describe('dnsServer', () => {
  it('reads addresses with and without a port, and nothing else', () => {
    assert.deepEqual(dnsServer('10.96.0.10'), { address: '10.96.0.10', port: 53 });
    assert.deepEqual(dnsServer('10.96.0.10:5353'), { address: '10.96.0.10', port: 5353 });
    assert.deepEqual(dnsServer('fd00::a'), { address: 'fd00::a', port: 53 });
    assert.deepEqual(dnsServer('[fd00::a]:5353'), { address: 'fd00::a', port: 5353 });
    for (const text of ['', 'dns', 'dns:53', '10.96.0.10:99999', '10.96.0.10:'])
      assert.throws(() => dnsServer(text), /is not the address of a DNS server/);
  });
});
