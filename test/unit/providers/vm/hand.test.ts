import assert from 'node:assert/strict';
import type { Command, Completed } from '../../../../harness/core/command.ts';
import type { RunningCommand } from '../../../../harness/core/node.ts';
import { followThrough } from '../../../../harness/providers/vm/follow-file.ts';
import { startRunClock } from '../../../../harness/core/clock.ts';
import { Unwind } from '../../../../harness/core/unwind.ts';
import { meetMachine, type Hand } from '../../../../harness/providers/vm/hand.ts';
import { lastWords } from '../../../../harness/providers/vm/last-words.ts';
import type { Machine } from '../../../../harness/providers/vm/machine.ts';
import type { Work } from '../../../../harness/providers/vm/work.ts';
import { openWorkshop, spawnAgent, until, type Workshop } from '../../agent/start-agent.ts';

/** Each start prints its lines and ends in its way; after the last the machine is gone. */
function handOf(...lives: { lines: string[]; end: Awaited<RunningCommand['ended']> }[]) {
  const asked: string[] = [];
  const left = [...lives];
  const hand: Hand = {
    name: 'n',
    run: () => Promise.reject(new Error('gone')),
    writeFile: () => Promise.resolve(),
    behind: () => Promise.resolve({ ms: 0, errorMs: 1 }),
    close: () => undefined,
    start: ({ argv }, onLine) => {
      asked.push(argv.join(' '));
      const life = left.shift();
      if (life === undefined) return Promise.reject(new Error('gone'));
      for (const line of life.lines) onLine(line, 'stdout');
      return Promise.resolve({ ended: Promise.resolve(life.end), kill: () => Promise.resolve() });
    },
  };
  return { hand, asked };
}

const LOST = { exitCode: null, signal: null };

describe('a file that is followed on a machine', () => {
  it('is taken up again where the connection was lost, without a line twice', async () => {
    const { hand, asked } = handOf({ lines: ['a', 'b'], end: LOST }, { lines: ['c'], end: LOST });
    const lines: string[] = [];
    followThrough(new Map([['n', hand]]))('n', '/log', (line) => lines.push(line));
    await new Promise(setImmediate);
    assert.deepEqual(lines, ['a', 'b', 'c']);
    assert.deepEqual(
      asked.map((words) => /--lines=\+\d+/.exec(words)?.[0]),
      ['--lines=+1', '--lines=+3', '--lines=+4'],
    );
  });

  it('is left alone where tail itself has ended', async () => {
    const { hand, asked } = handOf({ lines: [], end: { exitCode: 127, signal: null } });
    followThrough(new Map([['n', hand]]))('n', '/log', () => undefined);
    await new Promise(setImmediate);
    assert.equal(asked.length, 1);
  });
});

describe('the last words of a node', () => {
  const machine = {
    spec: { name: 'worker-1' },
    consoleTail: () => Promise.resolve('\nits console ended with:\npanic'),
  } as unknown as Machine;

  it('are its kubelet’s, its containerd’s and its console’s, and never an error', async () => {
    const { hand } = handOf();
    const answerTo = ({ argv }: Command): Promise<Completed> => {
      const stdout = `${argv.at(-1) === '--unit=kubelet' ? 'no cgroup' : 'no snapshotter'}\n`;
      return Promise.resolve({ exitCode: 0, signal: null, stdout, stderr: '' });
    };
    assert.match(
      await lastWords(machine, { ...hand, run: answerTo }),
      /--- worker-1\nno cgroup\nno snapshotter\nits console .*panic/s,
    );
    const mute = await lastWords(machine, hand);
    assert.match(mute, /kubelet cannot be read\n.*containerd cannot be read\nits console/);
  });

  it('are cut in the middle where a line is very long', async () => {
    const stdout = `RunPodSandbox failed: ${'the same again: '.repeat(100)}no such device\nshort\n`;
    const run = () => Promise.resolve({ exitCode: 0, signal: null, stdout, stderr: '' });
    const lines = (await lastWords(machine, { ...handOf().hand, run })).split('\n').slice(1, 3);
    assert.match(lines[0] ?? '', /^RunPodSandbox failed: .* … .* no such device$/);
    assert.ok((lines[0] ?? '').length < stdout.length / 2);
    assert.equal(lines[1], 'short');
  });
});

describe('the hand on a machine', () => {
  let workshop: Workshop;
  let agents: ReturnType<typeof spawnAgent>[];
  let unwind: Unwind;
  const interrupted = new AbortController();
  const broken = new AbortController();

  before(async () => {
    workshop = await openWorkshop();
    agents = [];
    unwind = new Unwind();
  });
  after(async () => {
    await unwind.run();
    for (const { child } of agents) child.kill('SIGKILL');
    workshop.remove();
  });

  it('reaches it again after the run was interrupted, and not after the cluster broke', async () => {
    const machine = {
      spec: { name: 'worker-1', runId: 'run-1' },
      openPort: () => {
        const agent = spawnAgent(workshop);
        agents.push(agent);
        return Promise.resolve({ ...agent.stream, kill: () => agent.child.kill('SIGKILL') });
      },
    } as unknown as Machine;
    const context = { clock: startRunClock() } as Work['context'];
    const signals = { signal: interrupted.signal, broken: broken.signal };
    const hand = await meetMachine({ context, unwind, ...signals }, machine, workshop.undoDir);
    const says = async (): Promise<string> =>
      (await hand.run({ argv: ['echo', 'here'] }, { timeoutMs: 10_000 })).stdout;
    // What is asked at the very moment is lost with it.
    const saysAgain = () => says().catch(says);
    assert.equal(await says(), 'here\n');
    interrupted.abort(new Error('SIGINT'));
    const lose = async (index: number): Promise<void> => {
      const child = agents[index]?.child;
      child?.kill('SIGKILL');
      await until('it to be lost', () => child?.signalCode !== null);
    };
    await lose(0);
    assert.equal(await saysAgain(), 'here\n');
    assert.equal(agents.length, 2);
    broken.abort(new Error('QEMU ended'));
    await lose(1);
    await assert.rejects(saysAgain(), /QEMU ended/);
  });
});
