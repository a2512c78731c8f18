import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { hasCode } from '../../../harness/core/errors.ts';
import { local } from '../../../harness/exec/local.ts';
import { describeEnvironment, readCommit } from '../../../harness/record/environment.ts';
import { cellFolder } from '../../../harness/record/layout.ts';
import { readHistory } from '../../../harness/record/reader.ts';
import { createRunDirectory } from '../../../harness/record/run-directory.ts';
import { environmentOf, planOf } from '../../support/history.ts';
import { limitFiles } from '../../support/limit-files.ts';

describe('run directory', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'coalmine-record-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('has its files and folders from the start, and latest points to the newest', () => {
    const first = createRunDirectory(folder, planOf(), environmentOf());
    const second = createRunDirectory(folder, planOf({ runId: '2' }), environmentOf());
    assert.deepEqual(readdirSync(first.dir).sort(), [
      'after',
      'before',
      'environment.json',
      'events.ndjson',
      'logs',
      'plan.json',
      'samples.ndjson',
    ]);
    assert.equal(readlinkSync(path.join(folder, 'latest')), 'example-2');
    assert.deepEqual(readdirSync(folder).sort(), [
      'example-2',
      'example-20261122-120000-abcd',
      'latest',
    ]);
    first.close();
    second.close();
    second.close();
  });

  it('is never shared by two runs', () => {
    createRunDirectory(folder, planOf(), environmentOf()).close();
    assert.throws(
      () => createRunDirectory(folder, planOf(), environmentOf()),
      (error) => hasCode(error, 'usage'),
    );
  });

  it('says which place cannot be written', () => {
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    assert.throws(
      () => createRunDirectory(path.join(file, 'reports'), planOf(), environmentOf()),
      (error) => hasCode(error, 'preflight') && error.message.includes(file),
    );
  });

  it('goes on where latest is a folder of somebody else, and says so', () => {
    mkdirSync(path.join(folder, 'latest', 'precious'), { recursive: true });
    const recorder = createRunDirectory(folder, planOf(), environmentOf());
    recorder.close();
    const [note] = readHistory(recorder.dir).history.events;
    assert.ok(note?.kind === 'note' && note.text.includes('latest'));
    assert.deepEqual(readdirSync(folder).sort(), ['example-20261122-120000-abcd', 'latest']);
  });

  it('takes files only below itself, events only as they are defined, and nothing once closed', () => {
    const recorder = createRunDirectory(folder, planOf(), environmentOf());
    recorder.writeFile('before/w1.txt', 'x');
    assert.equal(readFileSync(path.join(recorder.dir, 'before/w1.txt'), 'utf8'), 'x');
    assert.throws(() => {
      recorder.writeFile('../stray', 'x');
    });
    assert.throws(() => {
      recorder.event({ tMs: Number.NaN, kind: 'run', state: 'ended' });
    });
    recorder.close();
    assert.throws(() => {
      recorder.event({ tMs: 1, kind: 'run', state: 'ended' });
    });
  });

  it('loses nothing that was acknowledged when the process is killed', async () => {
    const program = fileURLToPath(new URL('../../support/record-forever.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', program, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let acknowledged = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line);
      if (acknowledged >= 500) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    assert.equal(child.signalCode, 'SIGKILL');
    const { history } = readHistory(path.join(folder, 'latest'));
    assert.ok(acknowledged >= 500);
    assert.ok(history.samples.length >= acknowledged);
    assert.equal(history.samples[acknowledged - 1]?.values['counter'], acknowledged);
    assert.ok(history.events.length >= acknowledged);
  });

  it('tells once that its disk is full, wherever that is met, and keeps what was whole', async () => {
    const program = fileURLToPath(new URL('../../support/record-until-full.ts', import.meta.url));
    const argv = [process.execPath, '--import', 'tsx', program, folder] as const;
    const { exitCode, stdout, stderr } = await local.run({ argv }, { timeoutMs: 20_000 });
    assert.deepEqual([exitCode, stderr], [4, '']);
    const { told, reason, lost, last } = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(told, 1);
    assert.match(String(reason), /\/(samples|events)\.ndjson cannot be written: file too large$/);
    assert.deepEqual([Number(lost) > 0, last], [true, 'run']);
    const { history, damage } = readHistory(path.join(folder, 'latest'));
    assert.deepEqual(damage, []);
    assert.ok(history.samples.length > 100 && history.events.length > 0);
    assert.ok(history.events.every(({ kind }) => kind === 'note'));
  });

  it('cannot be begun on a disk that is full already, and says so', () => {
    limitFiles(100);
    try {
      assert.throws(
        () => createRunDirectory(folder, planOf(), environmentOf()),
        (error) => hasCode(error, 'preflight') && error.message.includes(folder),
      );
    } finally {
      limitFiles('unlimited');
    }
  });

  it('has folders for cells that cannot lead elsewhere', () => {
    assert.equal(
      cellFolder('proxyMode=nftables,kube-proxy=1.34.4'),
      'proxyMode=nftables,kube-proxy=1.34.4',
    );
    assert.equal(cellFolder('../../etc'), '_.._etc');
    assert.equal(cellFolder('..'), 'cell');
  });

  it('knows the commit from a loose ref, a packed ref or a detached head', () => {
    const commit = 'a'.repeat(40);
    const git = path.join(folder, '.git');
    assert.equal(readCommit(folder), null);
    mkdirSync(path.join(git, 'refs/heads'), { recursive: true });
    writeFileSync(path.join(git, 'HEAD'), 'ref: refs/heads/main\n');
    assert.equal(readCommit(folder), null);
    writeFileSync(path.join(git, 'packed-refs'), `# pack-refs\n${commit} refs/heads/main\n`);
    assert.equal(readCommit(folder), commit);
    writeFileSync(path.join(git, 'refs/heads/main'), `${'b'.repeat(40)}\n`);
    assert.equal(readCommit(folder), 'b'.repeat(40));
    writeFileSync(path.join(git, 'HEAD'), `${commit}\n`);
    const facts = { startedAt: 'now', argv: ['run'], version: '0.1.0', packageRoot: folder };
    assert.equal(describeEnvironment(facts).coalmine.commit, commit);
  });
});
