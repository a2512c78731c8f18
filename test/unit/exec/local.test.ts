import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { waitFor } from '../../../harness/core/deadline.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import { local, startLocal } from '../../../harness/exec/local.ts';
import { runOrThrow } from '../../../harness/exec/run-or-throw.ts';

const node = process.execPath;

describe('local executor', () => {
  it('gives exit code, output and input as values', async () => {
    const completed = await local.run(
      {
        argv: [node, '-e', 'process.stdin.pipe(process.stdout); process.exitCode = 3'],
        stdin: 'hello\n',
      },
      { timeoutMs: 20_000 },
    );
    assert.deepEqual(completed, { exitCode: 3, signal: null, stdout: 'hello\n', stderr: '' });
  });

  it('says what could not be started', async () => {
    await assert.rejects(local.run({ argv: ['/no/such/program'] }, { timeoutMs: 5_000 }), (error) =>
      hasCode(error, 'command'),
    );
  });

  it('kills the children too when the limit passes', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'coalmine-test-'));
    try {
      const pidFile = path.join(folder, 'pid');
      const parent = `const c = require('child_process').spawn(process.execPath, ['-e', 'setInterval(()=>{}, 1e6)'], {stdio: 'ignore'});
        require('fs').writeFileSync(${JSON.stringify(pidFile)}, String(c.pid)); setInterval(()=>{}, 1e6);`;
      await assert.rejects(
        local.run({ argv: [node, '-e', parent] }, { timeoutMs: 1_500 }),
        (error) => hasCode(error, 'command'),
      );
      const pid = await readFile(pidFile, 'utf8');
      await waitFor({ what: `process ${pid} to be gone`, timeoutMs: 5_000, everyMs: 20 }, () =>
        Promise.resolve(existsSync(`/proc/${pid}/cmdline`) ? undefined : true),
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('makes a failure that one can paste', async () => {
    await assert.rejects(
      runOrThrow(
        local,
        { argv: [node, '-e', 'console.error("it broke"); process.exit(4)'], env: { A: 'b c' } },
        { timeoutMs: 20_000 },
      ),
      /A='b c' .*failed with exit code 4\nit broke/s,
    );
  });

  it('ends a started process and says how it ended', async () => {
    const child = startLocal({ argv: [node, '-e', 'console.log("up"); setInterval(()=>{}, 1e6)'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGTERM');
    assert.deepEqual(await child.ended, { exitCode: null, signal: 'SIGTERM' });
  });
});
