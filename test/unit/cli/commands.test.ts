/** The real command, where it needs no cluster: what is said on which stream, and with which exit code. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Completed } from '../../../harness/core/command.ts';
import { local } from '../../../harness/exec/local.ts';
import type { Exam } from '../../../harness/run/doctor.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../harness/cli/main.ts');

function coalmine(...args: string[]): Promise<Completed> {
  const argv = [process.execPath, '--import', 'tsx', MAIN, ...args] as const;
  return local.run({ argv }, { timeoutMs: 60_000 });
}

describe('coalmine', function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'coalmine-test-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('names every command in its help', async () => {
    const { exitCode, stdout, stderr } = await coalmine('--help');
    assert.deepEqual([exitCode, stderr], [0, '']);
    for (const command of ['run', 'plan', 'validate', 'list', 'check', 'report', 'doctor', 'clean'])
      assert.match(stdout, new RegExp(`coalmine ${command}\\b`));
  });

  it('lists the scenarios that ship with it, as data too', async () => {
    const { exitCode, stdout } = await coalmine('list', '--json');
    assert.equal(exitCode, 0);
    const listed = JSON.parse(stdout) as { name: string; summary: string }[];
    const smoke = listed.find(({ name }) => name === 'upgrade-smoke');
    assert.match(smoke?.summary ?? '', /kube-proxy/);
  });

  it('ends with 4 where what it has to say does not fit on the disk', async () => {
    const argv = ['sh', '-c', 'exec "$@" >/dev/full', 'sh', process.execPath] as const;
    const command = { argv: [...argv, '--import', 'tsx', MAIN, 'list'] as const };
    const { exitCode, stderr } = await local.run(command, { timeoutMs: 60_000 });
    assert.equal(exitCode, 4);
    assert.match(stderr, /^coalmine: stdout cannot be written: ENOSPC: .*\n$/);
  });

  it('says what a run would do, in words and as data', async () => {
    const words = await coalmine('plan', 'upgrade-smoke', '--set', 'upgradeTo.kube-proxy=1.35.1');
    assert.equal(words.exitCode, 0);
    assert.match(words.stdout, /^upgrade-smoke\n {2}provider {4}kind, 2 nodes/);
    assert.match(words.stdout, /canary.*1\.35\.1/);
    const data = await coalmine('plan', 'upgrade-smoke', '--json');
    const { plans } = JSON.parse(data.stdout) as { plans: { phases: { name: string }[] }[] };
    const names = plans[0]?.phases.map(({ name }) => name);
    assert.deepEqual(names, ['baseline', 'canary', 'freeze', 'rest']);
  });

  it('points at what is wrong in a scenario, and leaves stdout empty', async () => {
    const file = path.join(folder, 'wrong.yaml');
    writeFileSync(file, 'name: wrong\nwhy: a test\nphasen: []\n');
    const { exitCode, stdout, stderr } = await coalmine('validate', file);
    assert.deepEqual([exitCode, stdout], [2, '']);
    assert.match(stderr, /wrong\.yaml:\d+:\d+/);
    assert.match(stderr, /phasen/);
    assert.equal((await coalmine('validate', 'endpoint-churn')).exitCode, 0);
  });

  it('says its own version, wherever it is called', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    writeFileSync(path.join(folder, 'package.json'), '{ "version": "9.9.9" }');
    const { stdout } = await coalmine('--version');
    assert.equal(stdout.trim(), version);
    const tsx = import.meta.resolve('tsx');
    const argv = ['sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', folder] as const;
    const node = [process.execPath, '--import', tsx, MAIN, '--version'] as const;
    const there = await local.run({ argv: [...argv, ...node] }, { timeoutMs: 60_000 });
    assert.equal(there.stdout.trim(), version);
  });

  it('ends a plan of nothing as a run of it would', async () => {
    const { exitCode, stdout } = await coalmine('plan', 'freeze-kind', '--provider', 'vm');
    assert.equal(exitCode, 4);
    assert.match(stdout, /^freeze-kind: skipped, vm: /);
  });

  it('calls machines usable only where all is there that a run on them asks for', async () => {
    const have = (tool: string, says = ''): void => {
      const script = `#!/bin/sh\necho ${says}\n`;
      writeFileSync(path.join(folder, tool), script, { mode: 0o755 });
    };
    const examine = async () => {
      const argv = [process.execPath, '--import', 'tsx', MAIN, 'doctor', '--json'] as const;
      const env = { PATH: folder, XDG_CACHE_HOME: folder };
      const { stdout } = await local.run({ argv, env }, { timeoutMs: 60_000 });
      const exam = JSON.parse(stdout) as Exam;
      const answerTo = (asked: string) => exam.answers.find(({ question }) => question === asked);
      return { usable: exam.usableProviders, qemu: answerTo('QEMU'), disk: answerTo('root disk') };
    };
    have('qemu-system-x86_64', 'QEMU emulator version 10.0.0');
    const bare = await examine();
    assert.deepEqual([bare.qemu?.state, bare.qemu?.for, bare.usable], ['no', ['vm'], []]);
    assert.match(bare.qemu?.detail ?? '', /qemu-img is not installed/);
    assert.deepEqual([bare.disk?.state, bare.disk?.for], ['no', ['vm']]);
    have('qemu-img');
    have('mmdebstrap');
    const { qemu, disk } = await examine();
    assert.deepEqual([qemu?.state, qemu?.detail], ['yes', '10.0.0']);
    assert.equal(disk?.state, process.getuid?.() === 0 ? 'yes' : 'no', disk?.detail);
  });

  it('lists what the controls of a scenario need beside it', async () => {
    const lines = async (...words: string[]) =>
      (await coalmine('setup', 'irq-drift', '--list', ...words)).stdout
        .split('\n')
        .filter((line) => line.startsWith('irqbalance '))
        .map((line) => line.split(' ')[1]);
    assert.deepEqual(await lines(), ['1.9.2-1']);
    assert.deepEqual((await lines('--known')).sort(), ['1.7.0-1', '1.9.2-1', '1.9.4-1+deb13u1']);
  });

  it('asks the named provider whether a scenario is valid', async () => {
    const { stdout } = await coalmine('validate', 'freeze-kind', '--provider', 'vm');
    assert.match(stdout, /0 to run, 1 skipped/);
  });

  it('ends with the exit code of a usage error, and no stack, where the words are wrong', async () => {
    for (const words of [
      ['soak-it'],
      ['plan'],
      ['plan', 'upgrade-smoke', '--times', '2'],
      ['plan', 'upgrade-smoke', '--set'],
      ['check', path.join(folder, 'no-run')],
    ]) {
      const { exitCode, stdout, stderr } = await coalmine(...words);
      assert.deepEqual([exitCode, stdout], [2, ''], words.join(' '));
      assert.match(stderr, /^coalmine: /);
      assert.doesNotMatch(stderr, /\n\s+at /);
    }
  });
});
