import assert from 'node:assert/strict';
import { residueBetween } from '../../../harness/run/node-state.ts';

const RULES = `*filter
:INPUT ACCEPT [10:20]
:KUBE-FORWARD - [0:0]
-A INPUT -j KUBE-FIREWALL
-A INPUT -s 192.0.2.1/32 -j DROP
COMMIT
`;
const before = new Map([
  ['iptables', RULES],
  ['routes', 'default via 172.18.0.1 dev eth0 \n10.244.0.4 dev vetha1b2 scope host \n'],
  ['qdiscs', 'qdisc noqueue 0: dev lo root refcnt 2 \n'],
  ['stopped processes', 'S 1 systemd\n'],
]);
const changed = (aspect: string, text: string) => new Map([...before, [aspect, text]]);

describe('residue on a node', () => {
  it('is none where only kube-proxy, pods and counters moved', () => {
    const busy = RULES.replace('[10:20]', '[99:99]').replace(
      '-A INPUT -j KUBE-FIREWALL\n',
      '-A INPUT -j KUBE-FIREWALL\n-A KUBE-SERVICES -d 10.96.0.9/32 -j KUBE-SVC-X\n-A POSTROUTING -m comment --comment "name" -j CNI-ab12\n',
    );
    assert.deepEqual(residueBetween(before, before), []);
    assert.deepEqual(residueBetween(before, changed('iptables', busy)), []);
    assert.deepEqual(
      residueBetween(
        before,
        changed(
          'routes',
          'default via 172.18.0.1 dev eth0 \n10.244.0.9 dev vethffff scope host \n',
        ),
      ),
      [],
    );
  });

  it('names a rule that was left, and one that went', () => {
    const left = RULES.replace(
      'COMMIT',
      '-A OUTPUT -p udp -m comment --comment coalmine-f1 -j DROP\nCOMMIT',
    );
    assert.deepEqual(residueBetween(before, changed('iptables', left)), [
      'iptables: new: -A OUTPUT -p udp -m comment --comment coalmine-f1 -j DROP',
    ]);
    assert.deepEqual(
      residueBetween(
        before,
        changed('iptables', RULES.replace('-A INPUT -s 192.0.2.1/32 -j DROP\n', '')),
      ),
      ['iptables: gone: -A INPUT -s 192.0.2.1/32 -j DROP'],
    );
  });

  it('names a qdisc, a route and a stopped process', () => {
    assert.equal(
      residueBetween(before, changed('qdiscs', 'qdisc netem 1: dev eth0 root\n')).length,
      2,
    );
    assert.deepEqual(
      residueBetween(before, changed('routes', '10.244.0.4 dev vetha1b2 scope host \n')),
      ['routes: gone: default via 172.18.0.1 dev eth0'],
    );
    assert.deepEqual(
      residueBetween(before, changed('stopped processes', 'S 1 systemd\nTl 77 kube-proxy\n')),
      ['stopped processes: new: Tl 77 kube-proxy'],
    );
  });

  it('judges only what could be read both times', () => {
    assert.deepEqual(residueBetween(new Map(), before), []);
  });
});
