/** The edit itself, on a node that keeps a table as the kernel writes it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { hasCode } from '../../../harness/core/errors.ts';
import { editIpvs } from '../../../harness/disrupt/faults/edit-ipvs.ts';
import type { Command } from '../../../harness/core/command.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { FakeNode } from '../../support/fake-node.ts';

const CAPTURE = readFileSync(
  path.resolve(import.meta.dirname, '../../fixtures/proc/linux-6.1/ip_vs.txt'),
  'utf8',
);
const LIVE = '  -> 0AF40105:1B58      Masq    1      1          0         \n';
const FOREIGN = '  -> C0000209:1B58      Masq    1      0          0         \n';

describe('disrupt/faults/edit-ipvs', () => {
  let folder: string;
  let table: string;
  const kube = new FakeKube();
  kube.put({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'echo', namespace: 'coalmine' },
    spec: { clusterIP: '10.96.7.7' },
  });

  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'coalmine-test-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    table = CAPTURE;
  });

  /** Its own programs really run, on a file in place of the kernel's. */
  const ask = (argv: readonly string[]): string => {
    const file = path.join(folder, 'ip_vs');
    writeFileSync(file, table);
    const [, flag = '', source = '', ...args] = argv;
    const own = source.replace('/proc/net/ip_vs', file);
    return spawnSync(process.execPath, [flag, own, ...args], { encoding: 'utf8' }).stdout;
  };
  const prepare = (params: Record<string, unknown>) => {
    const node = new FakeNode('w1');
    node.programs.set('cat', () => table);
    node.programs.set('/coalmine/node', ask);
    const target = { node: node.info, agent: node.agent, controller: node, kube, tag: 't' };
    return editIpvs.prepare(editIpvs.params.parse({ port: 7_000, ...params }), target);
  };
  const argvs = (commands: readonly Command[]) => commands.map(({ argv }) => argv.join(' '));

  it('deletes a live real server, never one that drains, and its undo adds it as it was', async () => {
    const { inject, undo } = await prepare({ action: 'delete' });
    assert.ok(Array.isArray(inject));
    assert.deepEqual(argvs(inject as Command[]), [
      'ipvsadm -d -t 10.96.7.7:7000 -r 10.244.1.5:7000',
    ]);
    assert.deepEqual(argvs(undo.undo), ['ipvsadm -a -t 10.96.7.7:7000 -r 10.244.1.5:7000 -m -w 1']);
  });

  it('adds one that is nobody’s', async () => {
    const { inject, undo } = await prepare({ action: 'add' });
    assert.deepEqual(argvs(inject as Command[]), [
      'ipvsadm -a -t 10.96.7.7:7000 -r 192.0.2.9:7000 -m -w 1',
    ]);
    assert.deepEqual(argvs(undo.undo), ['ipvsadm -d -t 10.96.7.7:7000 -r 192.0.2.9:7000']);
  });

  it('is felt only where the table shows it, and stays so when kube-proxy repairs it', async () => {
    const edit = await prepare({ action: 'delete' });
    assert.equal((await edit.felt()).felt, false, 'nothing was done yet');
    table = CAPTURE.replace(LIVE, '');
    assert.equal((await edit.felt()).felt, true);
    table = CAPTURE;
    assert.equal((await edit.felt()).felt, true);
  });

  it('verifies its undo by what is behind that Service', async () => {
    const added = await prepare({ action: 'add' });
    const said = () => ask(added.undo.verify.command.argv).trim();
    assert.equal(said(), added.undo.verify.stdout);
    const head = 'TCP  0A600707:1B58 rr  \n';
    assert.ok(CAPTURE.includes(head));
    table = CAPTURE.replace(head, head + FOREIGN);
    assert.equal(said(), 'present');
    assert.equal((await added.felt()).felt, true);
    table = CAPTURE.replace(head, head + FOREIGN.replace('Masq    1', 'Masq    0'));
    assert.equal(said(), 'absent', 'it drains');
    const elsewhere = 'TCP  0A600001:01BB rr  \n';
    table = CAPTURE.replace(elsewhere, elsewhere + FOREIGN);
    assert.equal(said(), 'absent', 'behind another Service');
  });

  it('refuses where there is nothing to hit', async () => {
    const refused = [
      prepare({ action: 'delete', port: 81 }),
      prepare({ action: 'add', service: 'x' }),
    ];
    table = 'nonsense';
    refused.push(prepare({ action: 'delete' }));
    for (const one of refused) await assert.rejects(one, (error) => hasCode(error, 'inject'));
  });
});
