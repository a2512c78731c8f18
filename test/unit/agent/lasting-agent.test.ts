/** An agent that comes back from the next boot of its node, with real agent processes; what boot it is, a program says. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { parseBoot } from '../../../harness/agent/boot.ts';
import { connectAgent } from '../../../harness/agent/client.ts';
import { meetAgent, type LastingAgent } from '../../../harness/agent/lasting-agent.ts';
import { startRunClock } from '../../../harness/core/clock.ts';
import { hasCode } from '../../../harness/core/errors.ts';
import { openWorkshop, restoring, until, type Workshop } from './start-agent.ts';

const IDS = { first: 'a', second: 'b' } as const;
const idOf = (letter: string): string => `${letter.repeat(8)}-0000-4000-8000-000000000000`;
const isAway = (error: unknown): boolean =>
  hasCode(error, 'agent') && /is away: the plug/.test(error.message);

describe('an agent that lasts', function () {
  let workshop: Workshop;
  let agent: LastingAgent;
  let node: ReturnType<typeof spawn> | undefined;
  let happened: string[];

  /** The node boots: its agent is another process, and its kernel says another id. */
  const boots = (which: keyof typeof IDS): void => {
    writeFileSync(workshop.file('boot'), `${idOf(IDS[which])}\n3.25 6.00\n`);
  };
  const pullPlug = (): Promise<void> => {
    node?.kill('SIGKILL');
    return Promise.resolve();
  };
  const meet = (gone?: AbortSignal): Promise<LastingAgent> => {
    const clock = startRunClock();
    return meetAgent({
      ...{ name: 'w1', clock, gone },
      connect: async (onLost) => {
        const env = { ...process.env, PATH: `${workshop.dir}:${process.env['PATH'] ?? ''}` };
        const child = spawn(process.execPath, [workshop.program], { env });
        node = child;
        const { stdin, stdout, stderr } = child;
        const stream = { stdin, stdout, stderr, ended: once(child, 'close') };
        const { undoDir } = workshop;
        const connection = await connectAgent({
          ...{ stream, node: 'w1', clock, runId: 'run-1', undoDir, onLost },
          onGap: () => undefined,
        });
        return { connection, kill: () => child.kill('SIGKILL') };
      },
      onBoot: ({ id }) => happened.push(`boot ${id.slice(0, 1)}`),
      onLost: (detail) => happened.push(`lost: ${detail}`),
      onBack: (detail) => happened.push(`back: ${detail}`),
    });
  };

  before(async () => {
    workshop = await openWorkshop();
    const cat = workshop.file('cat');
    const asked = `case $1 in /proc/*) exec /bin/cat ${workshop.file('boot')};; esac`;
    writeFileSync(cat, `#!/bin/sh\n${asked}\nexec /bin/cat "$@"\n`);
    chmodSync(cat, 0o755);
  });
  after(() => {
    workshop.remove();
  });
  beforeEach(() => {
    happened = [];
    boots('first');
  });
  afterEach(async () => {
    await agent.close();
    node?.kill('SIGKILL');
  });

  it('is met again from the next boot, and reads on what it read', async () => {
    agent = await meet();
    const counter = workshop.file('counter');
    writeFileSync(counter, '1');
    const readings: (string | null | undefined)[] = [];
    const watch = await agent.watch(
      { files: [counter] },
      { everyMs: 20, onReading: ({ changed }) => readings.push(changed[counter]) },
    );
    await until('the first reading', () => readings.length === 1);
    const ended = await agent.start({ argv: ['sleep', '60'] }, () => undefined);
    const { before, after } = await agent.restartBy('the plug', pullPlug, 30_000);
    await assert.rejects(agent.run({ argv: ['true'] }, { timeoutMs: 1_000 }), isAway);
    boots('second');
    const boot = await after;
    assert.deepEqual([before.id, boot.id], [idOf('a'), idOf('b')]);
    // A process of the boot before ended with it.
    assert.deepEqual(await ended.ended, { exitCode: null, signal: null });
    await until('a reading of the next boot', () => readings.length === 2);
    assert.deepEqual(readings, ['1', '1']);
    assert.equal((await agent.run({ argv: ['true'] }, { timeoutMs: 5_000 })).exitCode, 0);
    const wallMs = Date.now();
    assert.ok(agent.wallToRunMs(wallMs + 1_000) > agent.wallToRunMs(wallMs));
    await watch.stop();
    assert.deepEqual(happened, ['boot a', 'lost: the plug', 'boot b', 'back: the plug']);
  });

  it('holds the undo records of this run that are on the disk of its node', async () => {
    agent = await meet();
    const file = workshop.file('victim');
    writeFileSync(file, 'harm');
    await agent.arm(restoring('f1', file, 'old'));
    const { after } = await agent.restartBy('the plug', pullPlug, 30_000);
    boots('second');
    await after;
    assert.equal(readFileSync(file, 'utf8'), 'harm');
    await agent.undo('f1');
    assert.equal(readFileSync(file, 'utf8'), 'old');
  });

  it('is not met again while its node still runs the kernel of before', async () => {
    agent = await meet();
    const { after } = await agent.restartBy('the plug', pullPlug, 900);
    await assert.rejects(after, /w1 to boot anew .*still runs the kernel of before/);
    await assert.rejects(agent.run({ argv: ['true'] }, { timeoutMs: 1_000 }), /is gone/);
    assert.deepEqual(happened, ['boot a', 'lost: the plug']);
  });

  it('is waited for no longer than there is a node', async () => {
    const gone = new AbortController();
    agent = await meet(gone.signal);
    const { after } = await agent.restartBy('the plug', pullPlug, 30_000);
    gone.abort(new Error('QEMU is gone'));
    await assert.rejects(after, /QEMU is gone/);
  });

  it('stays lost where nobody announced it', async () => {
    agent = await meet();
    await pullPlug();
    await until('the loss', () => happened.length === 2);
    boots('second');
    await assert.rejects(agent.run({ argv: ['true'] }, { timeoutMs: 1_000 }), /is gone/);
    await assert.rejects(agent.restartBy('late', pullPlug, 1_000), /is gone/);
    assert.deepEqual(happened[0], 'boot a');
    assert.match(happened[1] ?? '', /^lost: the agent on w1 is gone/);
  });

  it('takes a deed that it did not outlive for done', async () => {
    agent = await meet();
    const { pid } = node ?? {};
    const argv = ['sh', '-c', 'kill -9 "$0"; sleep 60', String(pid)] as const;
    const deed = async (): Promise<void> => {
      await agent.run({ argv }, { timeoutMs: 60_000 });
    };
    const { after } = await agent.restartBy('the plug', deed, 30_000);
    boots('second');
    assert.equal((await after).id, idOf('b'));
    assert.deepEqual(happened, ['boot a', 'lost: the plug', 'boot b', 'back: the plug']);
  });

  it('is not lost where the deed failed', async () => {
    agent = await meet();
    const deed = (): Promise<void> => Promise.reject(new Error('no such switch'));
    await assert.rejects(agent.restartBy('the plug', deed, 1_000), /no such switch/);
    assert.equal((await agent.run({ argv: ['true'] }, { timeoutMs: 5_000 })).exitCode, 0);
  });
});

describe('a boot', () => {
  it('is dated by its uptime, true to the time that the question took', () => {
    const text = `${idOf('c')}\n12.50 3.00\n`;
    assert.deepEqual(parseBoot(text, 20_000, 20_200), {
      ...{ id: idOf('c'), atMs: 7_600, errorMs: 100 },
    });
    assert.equal(parseBoot('', 0, 1), undefined);
    assert.equal(parseBoot(`${idOf('c')}\n`, 0, 1), undefined);
  });
});
