/** The promise: whatever happens to the controller, what is armed is undone, and nothing that it started lives on. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { encode, PROTOCOL_VERSION, type Request } from '../../../harness/agent/protocol.ts';
import { hasCode, type CoalmineError } from '../../../harness/core/errors.ts';
import {
  connect,
  isAlive,
  openWorkshop,
  restoring,
  spawnAgent,
  until,
  untilGone,
  type Workshop,
} from './start-agent.ts';

/** Stands for `docker exec`: a process between controller and agent that can be killed on its own. Prints the agent's pid on stderr. */
const RELAY = `
  const agent = require('node:child_process').spawn(process.execPath, [process.argv[1]], {
    stdio: ['pipe', 'pipe', 'ignore'], detached: true });
  process.stdin.pipe(agent.stdin);
  agent.stdout.pipe(process.stdout);
  console.error(agent.pid);`;

describe('agent lease', () => {
  let workshop: Workshop;
  let file: string;
  let log: string;
  let number = 0;

  before(async () => {
    workshop = await openWorkshop();
  });
  beforeEach(() => {
    number += 1;
    file = workshop.file(`file-${number}`);
    log = workshop.file(`log-${number}`);
    writeFileSync(file, 'old');
  });
  after(() => {
    workshop.remove();
  });
  const recordFile = (id: string): string => path.join(workshop.undoDir, 'run-1', `${id}.json`);
  const logged = (): string[] => readFileSync(log, 'utf8').trim().split('\n');

  it('holds a record on the disk from `armed` on, and lets it go when it is undone', async () => {
    const agent = await connect(workshop, spawnAgent(workshop));
    await agent.arm(restoring('f1', file, 'old'));
    assert.equal((JSON.parse(readFileSync(recordFile('f1'), 'utf8')) as { id: string }).id, 'f1');
    writeFileSync(file, 'harm');
    await agent.undo('f1');
    assert.equal(readFileSync(file, 'utf8'), 'old');
    assert.equal(existsSync(recordFile('f1')), false);
    await agent.undo('f1');
    await assert.rejects(agent.undo('f2'), (error) => hasCode(error, 'undo'));
    await agent.close();
    await agent.close();
    assert.deepEqual(readdirSync(workshop.undoDir), []);
  });

  it('undoes last in first out at goodbye, past a failure, and says what it could not confirm', async () => {
    const spawned = spawnAgent(workshop);
    const agent = await connect(workshop, spawned);
    for (const id of ['f1', 'f2', 'f10']) await agent.arm(restoring(id, file, 'old', log));
    const stubborn = restoring('f11', file, 'old', log);
    await agent.arm({
      ...stubborn,
      timeoutMs: 400,
      verify: { command: { argv: ['false'] }, exitCode: 0 },
    });
    const sleeper = await agent.start({ argv: ['sleep', '60'] }, () => undefined);
    await assert.rejects(
      agent.close(),
      (error) =>
        hasCode(error, 'undo') && error.message.includes('f11') && !error.message.includes('f2'),
    );
    assert.deepEqual(logged(), ['f11', 'f10', 'f2', 'f1']);
    assert.equal((await sleeper.ended).exitCode, null);
    assert.equal(await spawned.stream.ended, 5);

    // What is not confirmed stays, and a later life of the same run can try again.
    assert.deepEqual(readdirSync(path.join(workshop.undoDir, 'run-1')), ['f11.json']);
    mkdirSync(path.join(workshop.undoDir, 'run-0'));
    writeFileSync(path.join(workshop.undoDir, 'run-0', 'f1.json'), '{"id":');
    const later = await connect(workshop, spawnAgent(workshop), { runId: 'run-2' });
    assert.deepEqual(
      later.left.map(({ runId, record }) => [runId, record.id]),
      [['run-1', 'f11']],
    );
    assert.equal(later.damaged.length, 1);
    await later.close();
    assert.ok(existsSync(recordFile('f11')));
    const heir = await connect(workshop, spawnAgent(workshop));
    await assert.rejects(heir.undo('f11'), (error) => hasCode(error, 'undo'));
    await heir.arm(restoring('f11', file, 'old'));
    await heir.close();
    assert.equal(existsSync(recordFile('f11')), false);
  });

  it('undoes and ends, with all its children, when the controller is killed', async () => {
    const relay = spawn(process.execPath, ['-e', RELAY, workshop.program]);
    const [pidText] = (await once(relay.stderr, 'data')) as [Buffer];
    const ended = once(relay, 'close');
    const lost: CoalmineError[] = [];
    const agent = await connect(
      workshop,
      { stream: { stdin: relay.stdin, stdout: relay.stdout, ended } },
      { onLost: (error) => lost.push(error) },
    );
    await agent.arm(restoring('f1', file, 'old'));
    writeFileSync(file, 'harm');
    const children: number[] = [];
    const script = 'sleep 60 & echo $!; echo $$; wait';
    const running = await agent.start({ argv: ['sh', '-c', script] }, (line) =>
      children.push(Number(line)),
    );
    await until('the children to run', () => children.length === 2);
    const waiting = agent.run({ argv: ['sleep', '60'] }, { timeoutMs: 60_000 });

    relay.kill('SIGKILL');
    await assert.rejects(waiting, (error) => hasCode(error, 'agent'));
    await assert.rejects(agent.arm(restoring('f2', file, '')), (error) => hasCode(error, 'agent'));
    assert.deepEqual(await running.ended, { exitCode: null, signal: null });
    await untilGone(Number(pidText.toString()));
    for (const pid of children) await untilGone(pid);
    assert.equal(readFileSync(file, 'utf8'), 'old');
    assert.equal(existsSync(recordFile('f1')), false);
    assert.equal(lost.length, 1);
    await agent.close();
  });

  it('runs out when heartbeats stop, even while the controller reads nothing and the pipe is full', async () => {
    const { stream, pid } = spawnAgent(workshop);
    const say = (request: Request): boolean => stream.stdin.write(encode(request)!);
    say({
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      runId: 'run-1',
      undoDir: workshop.undoDir,
      leaseMs: 700,
    });
    await once(stream.stdout, 'readable');
    say({ type: 'arm', id: 1, record: restoring('f1', file, 'old') });
    say({ type: 'start', id: 2, command: { argv: ['yes', 'x'.repeat(1_000)] } });
    const source = { files: ['/proc/self/stat'] };
    say({ type: 'watch', id: 3, source, everyMs: 10, everyTick: true });
    await until('the record to be held', () => existsSync(recordFile('f1')));
    writeFileSync(file, 'harm');
    await untilGone(pid);
    assert.equal(readFileSync(file, 'utf8'), 'old');
    assert.equal(existsSync(recordFile('f1')), false);
  });

  it('is kept by heartbeats, and does not count the time in which the agent was frozen', async () => {
    const gaps: { fromMs: number; gapMs: number; tickMs: number }[] = [];
    const { child, pid, stream } = spawnAgent(workshop);
    const agent = await connect(
      workshop,
      { stream },
      { leaseMs: 1_000, onGap: (gap) => gaps.push(gap) },
    );
    await agent.arm(restoring('f1', file, 'old'));
    writeFileSync(file, 'harm');
    const readings: number[] = [];
    const watch = await agent.watch(
      { files: ['/proc/uptime'] },
      { everyMs: 50, onReading: ({ tMs }) => readings.push(tMs) },
    );
    await until('a lease to pass', () => (readings.at(-1) ?? 0) > (readings[0] ?? 0) + 1_100);
    await agent.tickEvery(5, 10_000);
    child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    child.kill('SIGCONT');
    // A timer of ours may fire a little early, and a signal may arrive a little late.
    const isFreeze = ({ gapMs }: { gapMs: number }): boolean => gapMs > 1_400;
    await until('the gap', () => gaps.some(isFreeze));
    const gap = gaps.find(isFreeze)!;
    assert.equal(gap.tickMs, 5);
    await until('a reading after the gap', () => (readings.at(-1) ?? 0) > gap.fromMs + gap.gapMs);
    const inGap = readings.filter(
      (tMs) => tMs > gap.fromMs + 110 && tMs < gap.fromMs + gap.gapMs - 110,
    );
    // The gap begins at the agent's last tick: up to 100 ms of it were still lived.
    assert.deepEqual(inGap, []);
    await watch.stop();
    assert.ok(isAlive(pid));
    assert.equal(readFileSync(file, 'utf8'), 'harm');
    await agent.close();
    assert.equal(readFileSync(file, 'utf8'), 'old');
  });

  it('is honoured on SIGTERM', async () => {
    const { child, stream } = spawnAgent(workshop);
    const lost: CoalmineError[] = [];
    const agent = await connect(workshop, { stream }, { onLost: (error) => lost.push(error) });
    await agent.arm(restoring('f1', file, 'old'));
    writeFileSync(file, 'harm');
    child.kill('SIGTERM');
    assert.equal(await stream.ended, 0);
    assert.equal(readFileSync(file, 'utf8'), 'old');
    await until('onLost', () => lost.length === 1);
  });

  it('ends a running inject before its undo', async () => {
    const agent = await connect(workshop, spawnAgent(workshop));
    await agent.arm(restoring('f1', file, 'old'));
    const inject = agent.run(
      { argv: ['sh', '-c', 'sleep 1; echo harm > "$0"', file] },
      { timeoutMs: 60_000 },
    );
    await agent.close();
    assert.equal((await inject).signal, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    assert.equal(readFileSync(file, 'utf8'), 'old');
  });
});
