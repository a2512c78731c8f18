/** A table that is filled and emptied, by the fault's own programs, with an ipvsadm that keeps it in a file. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Command } from '../../../harness/core/command.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import { ipvsTable } from '../../../harness/disrupt/faults/ipvs-table.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { FakeNode } from '../../support/fake-node.ts';

const CAPTURE = readFileSync(
  path.resolve(import.meta.dirname, '../../fixtures/proc/linux-6.1/ip_vs.txt'),
  'utf8',
);

/** Reads lines as `ipvsadm -R` does, ends at the first that cannot be, and writes as the kernel does. */
const IPVSADM = (table: string): string => `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs');
const hex = (text) => { const [host, port] = text.split(':'); const word = (value, width) => Number(value).toString(16).toUpperCase().padStart(width, '0'); return host.split('.').map((byte) => word(byte, 2)).join('') + ':' + word(port, 4); };
const blocks = new Map();
for (const block of readFileSync('${table}', 'utf8').split(/\\n(?! )/)) if (block !== '') blocks.set(block.split(' ', 3).join(' '), block);
for (const line of readFileSync(0, 'utf8').split('\\n').slice(0, -1)) {
  const [verb, , virtual, , real] = line.split(' ');
  const key = 'TCP  ' + hex(virtual);
  if ((verb === '-A') === blocks.has(key)) { console.error(line); process.exitCode = 1; break; }
  if (verb === '-A') blocks.set(key, key + ' rr  ');
  else if (verb === '-a') blocks.set(key, blocks.get(key) + '\\n  -> ' + hex(real) + '      Masq    1      0          0         ');
  else blocks.delete(key);
}
writeFileSync('${table}', [...blocks.values()].join('\\n') + '\\n');
`;

describe('disrupt/faults/ipvs-table', () => {
  let folder: string;
  let table: string;
  let setting: string;

  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'coalmine-test-'));
    table = path.join(folder, 'ip_vs');
    setting = path.join(folder, 'run_estimation');
    writeFileSync(path.join(folder, 'ipvsadm'), IPVSADM(table), { mode: 0o755 });
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    writeFileSync(table, CAPTURE);
    writeFileSync(setting, '1\n');
  });

  const run = (argv: readonly string[]) => {
    const [, flag = '', source = '', ...args] = argv;
    const own = source
      .replaceAll('/proc/net/ip_vs', table)
      .replaceAll('/proc/sys/net/ipv4/vs/run_estimation', setting);
    return spawnSync(process.execPath, [flag, own, ...args], {
      encoding: 'utf8',
      env: { PATH: folder },
    });
  };
  const prepare = (params: Record<string, unknown> = {}) => {
    const node = new FakeNode('w1');
    node.programs.set('/coalmine/node', (argv) => {
      const { status, stdout } = run(argv);
      return status === 0 ? stdout : (status ?? 255);
    });
    node.programs.set('test', () => 1);
    const target = {
      ...{ node: node.info, agent: node.agent, controller: node },
      ...{ kube: new FakeKube(), tag: 't' },
    };
    return ipvsTable.prepare(ipvsTable.params.parse({ virtualServers: 300, ...params }), target);
  };
  const carryOut = (commands: readonly Command[] | (() => Promise<void>)) => {
    assert.ok(typeof commands !== 'function');
    return commands.map(({ argv }) => run(argv));
  };

  it('adds exactly what was asked for, is felt, and leaves the table as it found it', async () => {
    const prepared = await prepare({ realServers: 3 });
    const { inject, undo } = prepared;
    assert.equal((await prepared.felt()).felt, false);
    for (const { status, stderr } of carryOut(inject)) assert.equal(status, 0, stderr);
    const { felt: isFelt, evidence } = await prepared.felt();
    assert.equal(isFelt, true, evidence);
    assert.match(evidence, /300 of 300 virtual servers with 3 real ones each; run_estimation is 1/);
    assert.match(evidence, /estimates in a softirq/);
    assert.match(readFileSync(table, 'utf8'), /^TCP {2}C612012B:0050 rr/m);
    assert.notEqual(run(undo.verify.command.argv).stdout.trim(), undo.verify.stdout);
    carryOut(undo.undo);
    assert.equal(readFileSync(table, 'utf8'), CAPTURE);
    assert.equal(run(undo.verify.command.argv).stdout.trim(), undo.verify.stdout);
  });

  it('takes away what half an injection left, and nothing at a second time', async () => {
    const { inject, undo } = await prepare({ virtualServers: 2_600 });
    assert.ok(typeof inject !== 'function');
    assert.equal(inject.length, 2);
    carryOut(inject.slice(0, 1));
    for (const round of [1, 2])
      for (const { status, stderr } of carryOut(undo.undo))
        assert.equal(status, 0, `${round} ${stderr}`);
    assert.equal(readFileSync(table, 'utf8'), CAPTURE);
  });

  it('is not felt where somebody takes one away', async () => {
    const prepared = await prepare();
    carryOut(prepared.inject);
    writeFileSync(table, readFileSync(table, 'utf8').replace(/^TCP {2}C6120101:0050.*\n/m, ''));
    const { felt: isFelt, evidence } = await prepared.felt();
    assert.equal(isFelt, false);
    assert.match(evidence, /lists 299 of 300/);
  });

  it('switches the estimation off, and puts the old value back', async () => {
    const prepared = await prepare({ estimation: 'off' });
    const { inject, undo } = prepared;
    assert.ok(typeof inject !== 'function');
    const [first, ...others] = inject;
    assert.deepEqual(first, {
      argv: ['tee', '/proc/sys/net/ipv4/vs/run_estimation'],
      stdin: '0\n',
    });
    carryOut(others);
    assert.equal((await prepared.felt()).felt, false);
    writeFileSync(setting, '0\n');
    assert.equal((await prepared.felt()).felt, true);
    assert.deepEqual(undo.restore, [
      { path: '/proc/sys/net/ipv4/vs/run_estimation', content: '1\n' },
    ]);
    carryOut(undo.undo);
    assert.equal(run(undo.verify.command.argv).stdout.trim(), '0 0');
    assert.equal(undo.verify.stdout, '0 1');
  });

  it('refuses a table with servers of that range, a kernel without the setting, and one without ipvs', async () => {
    const refuses = (params: Record<string, unknown>, message: RegExp) =>
      assert.rejects(prepare(params), (error) => {
        assert.match((error as Error).message, message);
        return hasCode(error, 'inject');
      });
    writeFileSync(table, `${CAPTURE}TCP  C6120001:0050 rr  \n`);
    await refuses({}, /1 virtual servers in 198\.18\.0\.0\/16 are there already/);
    writeFileSync(table, CAPTURE);
    rmSync(setting);
    await refuses({ estimation: 'off' }, /has no .*run_estimation/);
    rmSync(table);
    await refuses({}, /does not show/);
  });
});
