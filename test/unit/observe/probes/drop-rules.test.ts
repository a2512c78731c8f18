import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { dropRules, parseDropRules } from '../../../../harness/observe/probes/drop-rules.ts';

/** Captured in a network namespace (iptables 1.8.9, nft backend) after a known number of packets to each port. */
const CAPTURED = readFileSync(
  path.resolve(import.meta.dirname, '../../../fixtures/iptables-save/drop-rules.txt'),
  'utf8',
);

describe('observe/probes/drop-rules', () => {
  it('counts every DROP rule and policy of the capture, but none of kube-proxy and no REJECT', () => {
    assert.deepEqual(dropRules.parse({ stdout: CAPTURED }), {
      'FORWARD/policy': 0,
      'INPUT/only seen here': 6,
      'OUTPUT/coalmine-20261122-130000-ab12-f1': 37,
      'OUTPUT/-p udp -m udp --dport 19': 3,
      'OUTPUT/two words': 9,
    });
  });

  it('has nothing to say where the command failed or printed nothing', () => {
    assert.deepEqual(dropRules.parse({ stdout: null }), {});
    assert.deepEqual(dropRules.parse({}), {});
    assert.deepEqual(dropRules.parse({ stdout: '' }), {});
  });

  it('reads a rule that matches everything', () => {
    assert.deepEqual(parseDropRules('[5:100] -A INPUT -j DROP'), { 'INPUT/all': 5 });
  });

  it('never throws and never guesses, wherever the text is cut or damaged', () => {
    const whole = dropRules.parse({ stdout: CAPTURED });
    fc.assert(
      fc.property(fc.nat(CAPTURED.length), fc.string({ maxLength: 8 }), (cut, junk) => {
        const found = parseDropRules(CAPTURED.slice(0, cut) + junk);
        const lines = CAPTURED.slice(0, cut).split('\n').slice(0, -1).join('\n');
        const sure = parseDropRules(lines);
        for (const [key, packets] of Object.entries(sure)) {
          assert.ok(packets <= (whole[key] ?? -1));
          assert.ok((found[key] ?? -1) >= packets);
        }
        for (const value of Object.values(found)) assert.ok(Number.isFinite(value));
      }),
    );
  });
});
