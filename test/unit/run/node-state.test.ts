import assert from 'node:assert/strict';
import type { HistoryEvent } from '../../../harness/core/history.ts';
import { CoalmineError } from '../../../harness/core/errors.ts';
import { compareNode, snapshotNodes, type NodeState } from '../../../harness/run/node-state.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { stageOf } from '../../support/stage.ts';

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
const residueBetween = (was: NodeState, is: NodeState) => compareNode(was, is).residue;
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

  it('counts lines: what is there twice afterwards, or once less', () => {
    const rule = '-A INPUT -s 192.0.2.1/32 -j DROP\n';
    const twice = changed('iptables', RULES.replace(rule, rule + rule));
    assert.deepEqual(residueBetween(before, twice), [
      'iptables: 1 more: -A INPUT -s 192.0.2.1/32 -j DROP',
    ]);
    assert.deepEqual(residueBetween(twice, before), [
      'iptables: 1 fewer: -A INPUT -s 192.0.2.1/32 -j DROP',
    ]);
  });

  it('is unknown where the node could not be read before or after', () => {
    const { compared, missing, residue } = compareNode(
      before,
      new Map([...before].filter(([aspect]) => aspect !== 'iptables')),
    );
    assert.deepEqual(residue, []);
    assert.ok(missing.includes('iptables') && !compared.includes('iptables'));
    assert.deepEqual(compared, ['routes', 'qdiscs', 'stopped processes']);
    assert.ok(compareNode(new Map(), before).missing.includes('qdiscs'));
  });
});

describe('the snapshot of a node', () => {
  /** @param answers how the node answers to a tool, before and after */
  async function proofOf(answers: (tool: string, when: 'before' | 'after') => string | Error | 1) {
    let when: 'before' | 'after' = 'before';
    const asked: string[] = [];
    const { stage, events } = stageOf(
      [new FakeNode('w1')],
      {},
      {
        agent: {
          run: ({ argv: [, , script = ''] }) => {
            const tools = script.split('\n').map((line) => /^[\w-]+/.exec(line)?.[0] ?? '');
            asked.push(`${when} ${tools.length}`);
            let stdout = '';
            for (const tool of tools) {
              const answer = answers(tool, when);
              if (answer instanceof Error) return Promise.reject(answer);
              stdout += answer === 1 ? '\n=== ended 1\n' : `${answer}\n=== ended 0\n`;
            }
            return Promise.resolve({ exitCode: 0, signal: null, stdout, stderr: '' });
          },
        },
      },
    );
    const compare = await snapshotNodes(stage, { writeFile: () => undefined });
    when = 'after';
    await compare();
    const isProof = (event: HistoryEvent) => event.kind === 'node-compared';
    const notes = events.flatMap((event) => (event.kind === 'note' ? event.text : []));
    const residue = events.flatMap((event) => (event.kind === 'residue' ? event.what : []));
    return { asked, notes, residue, proof: events.find(isProof) };
  }
  const ALL = [
    'iptables',
    'ip6tables',
    'nft tables',
    'routes',
    'rules',
    'qdiscs',
    'stopped processes',
  ];

  it('says what was compared', async () => {
    const { proof } = await proofOf(() => '');
    assert.ok(proof?.kind === 'node-compared');
    assert.deepEqual([proof.compared, proof.missing], [ALL, []]);
  });

  it('looks again at what is not as it was: a link that goes meanwhile is listed without its name', async () => {
    const looks = ['10.244.1.5 dev if6 scope host', ''];
    const passing = await proofOf((tool, when) =>
      tool === 'ip' && when === 'after' ? (looks.shift() ?? '') : '',
    );
    assert.deepEqual(passing.residue, []);
    const left = await proofOf((tool, when) =>
      tool === 'tc' && when === 'after' ? 'qdisc netem 8001: dev eth0 root' : '',
    );
    assert.deepEqual(left.residue, ['qdiscs: new: qdisc netem 8001: dev eth0 root']);
    assert.deepEqual(left.asked, ['before 7', 'after 7', 'after 7']);
  });

  it('keeps what it saw where the node cannot be asked again', async () => {
    let looks = 0;
    const { residue } = await proofOf((tool, when) => {
      if (when === 'before') return '';
      if (tool === 'iptables-save') looks += 1;
      if (looks > 1) return new CoalmineError('agent', 'gone');
      return tool === 'tc' ? 'qdisc netem 8001: dev eth0 root' : '';
    });
    assert.deepEqual(residue, ['qdiscs: new: qdisc netem 8001: dev eth0 root']);
  });

  it('says what was cut off or failed afterwards, and goes on with the rest', async () => {
    const { proof, asked, notes } = await proofOf((tool, when) => {
      if (when === 'before') return '';
      if (tool === 'iptables-save') return new CoalmineError('command', 'printed too much');
      return tool === 'tc' ? 1 : '';
    });
    assert.ok(proof?.kind === 'node-compared');
    assert.deepEqual(proof.missing, ['iptables', 'qdiscs']);
    assert.deepEqual(asked, ['before 7', 'after 7', ...ALL.map(() => 'after 1')]);
    assert.deepEqual(notes, [
      'the iptables of w1 could not be read: printed too much',
      'the qdiscs of w1 cannot be read, and are not compared',
    ]);
  });

  it('does not miss what the node could never tell', async () => {
    const { proof } = await proofOf((tool) => (tool === 'nft' ? 1 : ''));
    assert.ok(proof?.kind === 'node-compared');
    assert.deepEqual(proof.missing, []);
    assert.ok(!proof.compared.includes('nft tables'));
  });

  it('waits once for a node that is out of reach, says so once, and misses everything', async () => {
    const { proof, asked, notes } = await proofOf((_, when) =>
      when === 'before' ? '' : new CoalmineError('agent', 'gone'),
    );
    assert.ok(proof?.kind === 'node-compared');
    assert.deepEqual(proof.missing, ALL);
    assert.deepEqual(asked, ['before 7', 'after 7']);
    assert.deepEqual(notes, ['the state of w1 could not be read: gone']);
  });
});
