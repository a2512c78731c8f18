/** How a run that never came to its phases ends: without a cluster, and with one whose node does not answer. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CoalmineError } from '../../../harness/core/errors.ts';
import type { EventOf, HistoryEvent } from '../../../harness/core/history.ts';
import { unwritten } from '../../../harness/core/unwritten.ts';
import type { Cluster, Provider } from '../../../harness/providers/provider.ts';
import { readHistory } from '../../../harness/record/reader.ts';
import { createRunDirectory, type Recorder } from '../../../harness/record/run-directory.ts';
import { runCell } from '../../../harness/run/run-cell.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { environmentOf, planOf } from '../../support/history.ts';
import { limitFiles } from '../../support/limit-files.ts';
import { stageOf } from '../../support/stage.ts';

const NEVER = new AbortController().signal;

async function endAfter(error: Error, signal?: 'SIGINT' | 'SIGTERM') {
  const events: HistoryEvent[] = [];
  const said: string[] = [];
  let closed = 0;
  const end = await runCell(planOf({ notes: ['a skew'] }), {
    provider: {
      name: 'kind',
      refuses: () => [],
      preflight: () => Promise.resolve(),
      provision: () => Promise.reject(error),
    },
    recorder: {
      ...{ dir: '/nowhere', broken: NEVER, lost: [], refused: unwritten },
      event: (event) => events.push(event),
      sample: () => undefined,
      writeFile: () => undefined,
      close: () => (closed += 1),
    },
    progress: { say: (line) => said.push(line), event: () => undefined, stop: () => undefined },
    signal: new AbortController().signal,
    interrupted: () => signal,
    keep: () => false,
  });
  assert.deepEqual(end, { error, kept: false, lost: [] });
  assert.deepEqual([closed, said], [1, [`stopping: ${error.message}`]]);
  const [started, note, last, ...more] = events.map(({ tMs, ...rest }) => ({
    ...rest,
    isTimed: tMs >= 0,
  }));
  assert.ok(started?.kind === 'run' && started.state === 'started' && note?.kind === 'note');
  assert.deepEqual(more, []);
  return last;
}

describe('run/run-cell, where no cluster came up', () => {
  const base = { kind: 'run', detail: 'why', isTimed: true };

  it('ends as crashed: 4 for an error of the world, 6 for one of ours', async () => {
    assert.deepEqual(await endAfter(new CoalmineError('provision', 'why')), {
      ...{ ...base, state: 'crashed', exitCode: 4 },
    });
    assert.deepEqual(await endAfter(new TypeError('why')), {
      ...{ ...base, state: 'crashed', exitCode: 6 },
    });
  });

  it('ends as interrupted, whatever the interruption made fail', async () => {
    assert.deepEqual(await endAfter(new CoalmineError('kube', 'why'), 'SIGTERM'), {
      ...{ ...base, state: 'interrupted', signal: 'SIGTERM' },
    });
  });
});

/** Returns what was done with the cluster, in order, and what the history has of it. */
async function fateOf(
  keep: (end: EventOf<'run'>) => boolean,
  destroy = () => Promise.resolve(),
  more: Partial<Cluster> = {},
) {
  const done: string[] = [];
  const events: HistoryEvent[] = [];
  const { stage } = stageOf(
    [new FakeNode('w1')],
    {},
    {
      node: { startAgent: () => Promise.reject(new CoalmineError('agent', 'no answer')) },
    },
  );
  const cluster: Cluster = {
    ...stage.cluster,
    kubeconfig: '/tmp/kubeconfig',
    collectLogs: () => Promise.resolve(void done.push('logs')),
    destroy: () => {
      done.push('destroyed');
      return destroy();
    },
    ...more,
  };
  const { kept } = await runCell(planOf({ runId: 'run-1' }), {
    provider: {
      name: 'kind',
      refuses: () => [],
      preflight: () => Promise.resolve(),
      provision: () => Promise.resolve(cluster),
    },
    recorder: {
      ...{ dir: '/nowhere', broken: NEVER, lost: [], refused: unwritten },
      event: (event) => events.push(event),
      sample: () => undefined,
      writeFile: () => undefined,
      close: () => undefined,
    },
    progress: { say: () => undefined, event: () => undefined, stop: () => undefined },
    signal: new AbortController().signal,
    interrupted: () => undefined,
    keep: (end) => {
      done.push(`asked, ${end.state}, ${String(events.some(isEnd))}`);
      return keep(end);
    },
  });
  return { done, kept, events };
}
const isEnd = (event: HistoryEvent) => event.kind === 'run' && event.state !== 'started';

describe('run/run-cell, a cluster whose node does not answer', () => {
  it('is asked for last, when its logs are here and how the run ends is known', async () => {
    const { done, kept, events } = await fateOf(() => false);
    assert.deepEqual([done, kept], [['logs', 'asked, crashed, false', 'destroyed'], false]);
    assert.ok(events.at(-1)?.kind === 'run');
  });

  it('ends for what broke it, not for what was given up because of that', async () => {
    const broken = AbortSignal.abort(new CoalmineError('provision', 'QEMU of w1 ended\nand so on'));
    const { events } = await fateOf(() => false, undefined, { broken });
    const end = events.findLast(isEnd);
    assert.ok(end?.kind === 'run' && end.state === 'crashed');
    assert.deepEqual([end.exitCode, end.detail], [4, 'QEMU of w1 ended']);
  });

  it('stays where it is kept, and the history says how to remove it', async () => {
    const { done, kept, events } = await fateOf(() => true);
    assert.deepEqual([done, kept], [['logs', 'asked, crashed, false'], true]);
    const notes = events.flatMap((event) => (event.kind === 'note' ? [event.text] : []));
    assert.match(notes.at(-1) ?? '', /KUBECONFIG=\/tmp\/kubeconfig; `coalmine clean run-1`/);
  });

  it('is residue where it cannot be destroyed', async () => {
    const { events } = await fateOf(
      () => false,
      () => Promise.reject(new CoalmineError('command', 'still there')),
    );
    assert.deepEqual(
      events.flatMap((event) => (event.kind === 'residue' ? [event.what] : [])),
      ['still there'],
    );
  });
});

describe('run/run-cell, a cluster that never becomes Ready', () => {
  it('ends as crashed, with its logs and the reason, and is taken away', async () => {
    const ready = Promise.reject(new CoalmineError('provision', 'CoreDNS never served'));
    ready.catch(() => undefined);
    const { done, events } = await fateOf(
      () => false,
      () => Promise.resolve(),
      { nodes: [], ready },
    );
    assert.deepEqual(done, ['logs', 'asked, crashed, false', 'destroyed']);
    const end = events.at(-1);
    assert.ok(end?.kind === 'run' && end.state === 'crashed');
    assert.deepEqual([end.exitCode, end.detail], [4, 'CoreDNS never served']);
  });
});

/** A provider of a cluster without nodes; `meanwhile` happens while it is waited for to be Ready. */
function withoutNodes(meanwhile: () => Promise<void>, destroy: () => Promise<void>): Provider {
  const { stage } = stageOf([]);
  return {
    name: 'kind',
    refuses: () => [],
    preflight: () => Promise.resolve(),
    provision: () => {
      const ready = meanwhile();
      ready.catch(() => undefined);
      const collectLogs = () => Promise.resolve();
      return Promise.resolve({ ...stage.cluster, nodes: [], ready, collectLogs, destroy });
    },
  };
}

describe('run/run-cell, whose disk is full', () => {
  let folder: string;
  let recorder: Recorder;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'coalmine-full-'));
    recorder = createRunDirectory(folder, planOf(), environmentOf(), { latest: false });
  });
  afterEach(() => {
    limitFiles('unlimited');
    rmSync(folder, { recursive: true });
  });

  async function run(provider: Provider) {
    const said: string[] = [];
    const end = await runCell(planOf(), {
      ...{ provider, recorder, signal: NEVER, interrupted: () => undefined, keep: () => false },
      progress: { say: (line) => said.push(line), event: () => undefined, stop: () => undefined },
    });
    limitFiles('unlimited');
    const last = end.lost.at(-1);
    assert.ok(last?.kind === 'run' && last.state === 'crashed');
    assert.ok(end.error instanceof CoalmineError);
    assert.match(end.error.message, /ndjson cannot be written: file too large$/);
    assert.deepEqual([last.exitCode, last.detail], [4, end.error.message]);
    assert.equal(said.filter((line) => line.includes('file too large')).length, 1);
    assert.match(said.join('\n'), /\nFree room/);
    return { ...end, said };
  }

  it('makes no cluster where not even its beginning can be recorded', async () => {
    limitFiles(0);
    await run(
      withoutNodes(
        () => assert.fail('a cluster was made'),
        () => Promise.resolve(),
      ),
    );
  });

  it('ends for that, whatever fails because of it, and takes its cluster away', async () => {
    let destroyed = 0;
    const { kept } = await run(
      withoutNodes(
        () => {
          limitFiles(0);
          recorder.sample({ tMs: 1, node: 'w1', probe: 'softnet', values: { dropped: 0 } });
          return Promise.reject(new TypeError('something that had no file'));
        },
        () => Promise.resolve(void (destroyed += 1)),
      ),
    );
    assert.deepEqual([destroyed, kept], [1, false]);
  });

  it('hands back what is left, and its end, where only these do not fit', async () => {
    const { lost, said } = await run(
      withoutNodes(
        () => Promise.reject(new CoalmineError('deadline', 'never Ready')),
        () => {
          limitFiles(0);
          return Promise.reject(new CoalmineError('command', 'still there'));
        },
      ),
    );
    assert.deepEqual(said[0], 'stopping: never Ready');
    assert.ok(lost.some((event) => event.kind === 'residue' && event.what === 'still there'));
    const { history } = readHistory(recorder.dir);
    assert.ok(history.events.every(({ kind }) => kind === 'run'));
  });
});
