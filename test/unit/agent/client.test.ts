/** The remote hand, with a real agent process: commands, files, watches, clocks. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { AgentConnection } from '../../../harness/agent/client.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import type { Reading } from '../../../harness/core/node.ts';
import {
  connect,
  isAlive,
  openWorkshop,
  spawnAgent,
  until,
  untilGone,
  type Workshop,
} from './start-agent.ts';

describe('agent', () => {
  let workshop: Workshop;
  let agent: AgentConnection;
  const gaps: number[] = [];
  const complaints: string[] = [];

  before(async () => {
    workshop = await openWorkshop();
    agent = await connect(workshop, spawnAgent(workshop), {
      onGap: ({ gapMs }) => gaps.push(gapMs),
      onComplaint: (text) => complaints.push(text),
    });
  });
  after(async () => {
    await agent.close();
    workshop.remove();
  });

  describe('run', () => {
    it('gives back what a command said and how it ended', async () => {
      const script = 'cat; echo oops >&2; echo $WORD; exit 3';
      const command = { argv: ['sh', '-c', script] as const, stdin: 'in\n', env: { WORD: 'wörd' } };
      assert.deepEqual(await agent.run(command, { timeoutMs: 5_000 }), {
        exitCode: 3,
        signal: null,
        stdout: 'in\nwörd\n',
        stderr: 'oops\n',
      });
    });

    it('tells what cannot be started, and stays alive', async () => {
      const isCommand = (error: unknown): boolean => hasCode(error, 'command');
      await assert.rejects(agent.run({ argv: ['/no/such'] }, { timeoutMs: 5_000 }), isCommand);
      await assert.rejects(agent.run({ argv: ['a\0b'] }, { timeoutMs: 5_000 }), isCommand);
      await assert.rejects(
        agent.start({ argv: ['/no/such'] }, () => undefined),
        isCommand,
      );
      assert.equal((await agent.run({ argv: ['true'] }, { timeoutMs: 5_000 })).exitCode, 0);
    });

    it('kills the whole group at the limit', async () => {
      const file = workshop.file('pid');
      const script = `sleep 60 & echo $! > ${file}; wait`;
      await assert.rejects(
        agent.run({ argv: ['sh', '-c', script] }, { timeoutMs: 300 }),
        /limit of 300ms/,
      );
      await untilGone(Number(readFileSync(file, 'utf8')));
    });

    it('kills the group when aborted, and rejects with the reason', async () => {
      const abort = new AbortController();
      const file = workshop.file('pid-aborted');
      const script = `echo $$ > ${file}; exec sleep 60`;
      const running = agent.run(
        { argv: ['sh', '-c', script] },
        { timeoutMs: 60_000, signal: abort.signal },
      );
      await until('the command to run', () => existsSync(file) && statSync(file).size > 0);
      abort.abort(new Error('enough'));
      await assert.rejects(running, /enough/);
      await untilGone(Number(readFileSync(file, 'utf8')));
    });

    it('refuses output without limit', async () => {
      await assert.rejects(
        agent.run({ argv: ['sh', '-c', 'yes | head -c 17000000'] }, { timeoutMs: 20_000 }),
        (error) => hasCode(error, 'command') && /more than/.test(error.message),
      );
    });

    it('does not wait for a process that left its group', async () => {
      const file = workshop.file('pid-left');
      const script = `setsid sh -c 'echo $$ > ${file}; exec sleep 30' & wait`;
      await assert.rejects(agent.run({ argv: ['sh', '-c', script] }, { timeoutMs: 500 }), /limit/);
      process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL');
    });
  });

  describe('start', () => {
    it('streams lines of both streams, with the last one unended, and then the end', async () => {
      const lines: string[] = [];
      const script = 'echo a; echo; echo b >&2; sleep 0.1; printf c';
      const running = await agent.start({ argv: ['sh', '-c', script] }, (line, stream) =>
        lines.push(`${stream} ${line}`),
      );
      assert.deepEqual(await running.ended, { exitCode: 0, signal: null });
      assert.deepEqual(
        lines.filter((line) => line.startsWith('stdout')),
        ['stdout a', 'stdout ', 'stdout c'],
      );
      assert.deepEqual(
        lines.filter((line) => line.startsWith('stderr')),
        ['stderr b'],
      );
    });

    it('kills on demand', async () => {
      const running = await agent.start({ argv: ['sleep', '60'] }, () => undefined);
      await running.kill('SIGTERM');
      assert.deepEqual(await running.ended, { exitCode: null, signal: 'SIGTERM' });
      await running.kill('SIGKILL');
    });
  });

  describe('writeFile', () => {
    it('writes whole, keeps mode and symbolic links', async () => {
      const file = workshop.file('written');
      const link = workshop.file('link');
      await agent.writeFile(file, 'one', 0o600);
      symlinkSync(file, link);
      await agent.writeFile(link, 'twö');
      assert.equal(readFileSync(file, 'utf8'), 'twö');
      assert.equal(statSync(file).mode & 0o777, 0o600);
    });

    it('says why it cannot', async () => {
      await assert.rejects(agent.writeFile('/no/such/folder/file', ''), /ENOENT/);
    });
  });

  describe('watch', () => {
    it('sends the first content, then only what changed, and null for what is gone', async () => {
      const [a, b] = [workshop.file('a'), workshop.file('b')];
      writeFileSync(a, 'a1');
      writeFileSync(b, 'b1');
      const readings: Reading['changed'][] = [];
      const watch = await agent.watch(
        { files: [a, b] },
        { everyMs: 20, onReading: ({ changed }) => readings.push(changed) },
      );
      await until('the first reading', () => readings.length === 1);
      writeFileSync(`${a}.new`, 'a2');
      renameSync(`${a}.new`, a);
      await until('the second reading', () => readings.length === 2);
      rmSync(b);
      await until('the third reading', () => readings.length === 3);
      writeFileSync(b, 'b1');
      await until('the fourth reading', () => readings.length === 4);
      await watch.stop();
      assert.deepEqual(readings, [
        { [a]: 'a1', [b]: 'b1' },
        { [a]: 'a2' },
        { [b]: null },
        { [b]: 'b1' },
      ]);
    });

    it('reads procfs anew each time, in order of time, and tells its progress', async () => {
      const readings: Reading[] = [];
      const progress: { reads: number; failures: number; lastError?: string }[] = [];
      const watch = await agent.watch(
        { files: ['/proc/self/stat', '/proc/no-such'] },
        {
          everyMs: 50,
          everyTick: true,
          onReading: (reading) => readings.push(reading),
          onProgress: (one) => progress.push(one),
        },
      );
      await until('progress', () => progress.length > 0);
      await watch.stop();
      assert.equal(typeof readings[0]!.changed['/proc/self/stat'], 'string');
      assert.equal(readings[0]!.changed['/proc/no-such'], null);
      assert.ok(readings.length > 1);
      assert.ok(progress[0]!.reads > 0);
      assert.equal(progress[0]!.failures, 0);
      assert.match(progress[0]!.lastError ?? '', /no-such/);
      for (const { errorMs, tMs } of readings) assert.ok(errorMs >= 0 && tMs > 0);
    });

    it('counts a tick as failed where nothing can be read', async () => {
      const progress: { reads: number; failures: number }[] = [];
      const watch = await agent.watch(
        { files: ['/proc/no-such'] },
        { everyMs: 50, onReading: () => undefined, onProgress: (one) => progress.push(one) },
      );
      await until('progress', () => progress.length > 0);
      await watch.stop();
      assert.ok(progress[0]!.failures > 0);
      assert.equal(progress[0]!.failures, progress[0]!.reads);
    });

    it('reads commands, skips ticks while one runs, and stops it at its limit', async () => {
      const quick: Reading['changed'][] = [];
      const first = await agent.watch(
        { command: { argv: ['echo', 'x'] }, timeoutMs: 5_000 },
        { everyMs: 20, onReading: ({ changed }) => quick.push(changed) },
      );
      const slow: { reading?: Reading['changed']; skips?: number; lastError?: string } = {};
      const second = await agent.watch(
        { command: { argv: ['sleep', '60'] }, timeoutMs: 200 },
        {
          everyMs: 50,
          onReading: ({ changed }) => (slow.reading = changed),
          onProgress: (progress) => Object.assign(slow, progress),
        },
      );
      await until('progress', () => slow.lastError !== undefined && quick.length > 0);
      await Promise.all([first.stop(), second.stop()]);
      assert.deepEqual(quick, [{ stdout: 'x\n' }]);
      assert.deepEqual(slow.reading, { stdout: null });
      assert.ok((slow.skips ?? 0) > 0);
      assert.match(slow.lastError ?? '', /limit/);
    });

    it('is not held up by a FIFO or a file without end', async () => {
      const fifo = workshop.file('fifo');
      await agent.run({ argv: ['mkfifo', fifo] }, { timeoutMs: 5_000 });
      mkdirSync(workshop.file('folder'));
      const readings: Reading['changed'][] = [];
      const files = [fifo, '/dev/zero', workshop.file('folder')];
      const watch = await agent.watch(
        { files },
        { everyMs: 1_000, onReading: ({ changed }) => readings.push(changed) },
      );
      await until('a reading', () => readings.length > 0);
      await watch.stop();
      assert.deepEqual(readings[0], Object.fromEntries(files.map((file) => [file, null])));
    });
  });

  it('maps the wall clock of the node', () => {
    const difference = agent.wallToRunMs(Date.now() + 5_000) - agent.wallToRunMs(Date.now());
    assert.ok(difference >= 4_990 && difference <= 5_010, `${difference}`);
  });

  it('tells when the node answered last', async () => {
    const heardMs = agent.heardMs();
    await until('another heartbeat', () => agent.heardMs() > heardMs);
  });

  it('had nothing to complain about', () => {
    assert.deepEqual(complaints, []);
    assert.ok(isAlive(agent.pid));
  });
});
