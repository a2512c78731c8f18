/** Which command shows the rules, and what of its output is read again. */
import assert from 'node:assert/strict';
import { createReader } from '../../../../harness/observe/freshness/node-rules.ts';
import {
  chooseVariant,
  iptablesSource,
  nftablesSource,
  type RuleSource,
} from '../../../../harness/observe/freshness/rule-source.ts';

const HEAD = '*nat\n:KUBE-SERVICES - [0:0]';
const rule = (ip: string): string =>
  `-A KUBE-SERVICES -d ${ip}/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-A`;
const REST = [
  '-A PREROUTING -j KUBE-SERVICES',
  '-A OUTPUT -j KUBE-SERVICES',
  '-A KUBE-SVC-A -j KUBE-SEP-A',
  '-A KUBE-SEP-A -p tcp -m tcp -j DNAT --to-destination 10.244.0.1:80',
];
const save = (time: string, ...rules: string[]): string =>
  [`# Generated at ${time}`, HEAD, ...rules, 'COMMIT', `# Completed at ${time}`, ''].join('\n');

const argvOf = ({ watch }: RuleSource) => 'command' in watch && watch.command.argv;

describe('freshness: where the rules are read', () => {
  it('takes the variant of iptables that has the Services', () => {
    const full = save('1', rule('10.96.0.1'), rule('10.96.0.2'));
    const empty = save('1');
    const without = '*nat\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n';
    assert.equal(chooseVariant({ 'iptables-nft': full, 'iptables-legacy': empty }), 'iptables-nft');
    assert.equal(
      chooseVariant({ 'iptables-nft': empty, 'iptables-legacy': full }),
      'iptables-legacy',
    );
    assert.equal(
      chooseVariant({ 'iptables-nft': without, 'iptables-legacy': full }),
      'iptables-legacy',
    );
    assert.equal(chooseVariant({ 'iptables-nft': undefined, iptables: full }), 'iptables');
    assert.equal(
      chooseVariant({ 'iptables-nft': without, 'iptables-legacy': undefined }),
      undefined,
    );
  });

  it('gives commands as argv, by mode and family', () => {
    assert.deepEqual(argvOf(iptablesSource('iptables-legacy', 'IPv6')), [
      'ip6tables-legacy-save',
      '-t',
      'nat',
    ]);
    assert.deepEqual(argvOf(nftablesSource('IPv6')), [
      'nft',
      '--stateless',
      'list',
      'ruleset',
      'ip6',
    ]);
  });

  it('parses again only what matters, and never takes a failure for "as before"', () => {
    const read = createReader(iptablesSource('iptables-nft', 'IPv4'));
    assert.equal(read(undefined), undefined, 'nothing was read yet');
    const first = read(save('12:00', ...REST, rule('10.96.0.1')));
    assert.ok(first instanceof Map && first.size === 1);
    assert.equal(read(undefined), 'same');
    assert.equal(read(save('12:01', ...REST, rule('10.96.0.1'))), 'same');
    assert.notEqual(read(save('12:01', ...REST, rule('10.96.0.2'))), 'same');
    assert.equal(read(null), undefined);
    assert.equal(read(undefined), undefined, 'still failing');
    assert.ok(read(save('12:02', ...REST, rule('10.96.0.2'))) instanceof Map);
    assert.equal(read('*nat\n-A KUBE-SERVICES -d 10.96'), undefined, 'cut off');
  });
});
