import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readDnsperfLine } from '../../../../harness/load/generator/dns/dnsperf-output.ts';

describe('dnsperf -v', () => {
  it('is read line by line', () => {
    assert.deepEqual(readDnsperfLine('> NOERROR a.example A 0.000983'), {
      ...{ kind: 'answer', rcode: 'NOERROR', latencyMs: 0.983 },
    });
    assert.equal(readDnsperfLine('> T b.example AAAA').kind, 'timeout');
    assert.equal(readDnsperfLine('> I b.example AAAA').kind, 'interrupted');
    for (const talk of ['[Status] Sending queries (to 127.0.0.1:53)', '', '  Queries lost: 2'])
      assert.equal(readDnsperfLine(talk).kind, 'talk');
  });

  it('may be anything without harm', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        readDnsperfLine(text);
      }),
    );
  });
});
