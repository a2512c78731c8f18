/** Faults through the real agent: its records, its commands, and what it does when the controller is gone. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { bundleTo } from '../../support/bundle.ts';
import { connectAgent } from '../../../harness/agent/client.ts';
import { startRunClock } from '../../../harness/core/clock.ts';
import type { Executor } from '../../../harness/core/command.ts';
import { NODE_DIR } from '../../../harness/core/names.ts';
import type { NodeAgent } from '../../../harness/core/node.ts';
import { dropPackets } from '../../../harness/disrupt/faults/drop-packets.ts';
import { stopProcess } from '../../../harness/disrupt/faults/stop-process.ts';
import { recover } from '../../../harness/disrupt/recover.ts';
import { startLocal, type LocalProcess } from '../../../harness/exec/local.ts';
import { FakeNode } from '../../support/fake-node.ts';
import { inNetworkNamespace, localNode } from '../../support/local-agent.ts';
import { isStopped, withProcesses } from '../../support/named-processes.ts';
import { isRoot, skipOrFail } from '../../support/real.ts';
import { inTemporaryFolder, startWorld } from '../../unit/disrupt/planted-fault.ts';

const NEVER = new AbortController().signal;
const UNIT = `held-${process.pid}-canary-bird`;
const INFO = { name: 'w1', role: 'worker', addresses: [] } as const;

describe('disrupt through the real agent', () => {
  it('drops exactly the planted number, and undoes it by the record that the agent holds', function () {
    if (!isRoot()) skipOrFail(this, 'a network namespace needs root');
    return inNetworkNamespace((executor, prefix) =>
      withAgent(prefix, async ({ agent, folder }) => {
        const { faults } = startWorld(folder, new FakeNode('controller'), []);
        const params = dropPackets.params.parse({ count: 41 });
        const started = await faults.start(dropPackets, params, { node: INFO, agent }, NEVER);
        assert.match(started.evidence, /dropped 41 packets/);
        assert.ok((await rules(executor)).includes('coalmine-r1-f1'));
        assert.equal(await faults.undo('f1'), undefined);
        assert.ok(!(await rules(executor)).includes('coalmine'));
      }),
    );
  });

  it('continues a stopped process by itself when the controller dies; a later process finds it so', () =>
    withProcesses([UNIT], ([bird]) =>
      withAgent([], async ({ agent, folder, stream }) => {
        const { faults, journal } = startWorld(folder, new FakeNode('controller'), []);
        const params = stopProcess.params.parse({ unit: UNIT, for: '30s' });
        await faults.start(stopProcess, params, { node: INFO, agent }, NEVER);
        assert.ok(isStopped(bird));
        stream.stdin.destroy();
        await stream.ended;
        assert.ok(!isStopped(bird));
        const door = { executor: localNode(), writeFile: () => Promise.resolve() };
        const found = await recover(journal.path, () => Promise.resolve(door));
        assert.deepEqual([found.undone, found.unconfirmed], [['f1'], []]);
      }),
    ));
});

interface RealAgent {
  agent: NodeAgent;
  stream: LocalProcess;
  folder: string;
}

/** Starts the bundled agent behind `prefix`, with its records in a folder that is gone afterwards. */
async function withAgent(
  prefix: readonly string[],
  body: (real: RealAgent) => Promise<void>,
): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const program = path.join(folder, 'agent.mjs');
    await bundleTo(program, 'agent');
    const stream = startLocal({ argv: ['env', ...prefix, process.execPath, program] });
    stream.stdin.on('error', () => undefined);
    try {
      const connected = await connectAgent({
        stream,
        node: 'w1',
        clock: startRunClock(),
        runId: 'r1',
        undoDir: path.join(folder, 'undo'),
        onGap: () => undefined,
        onLost: () => undefined,
      });
      await body({ agent: withNodeHere(connected), stream, folder });
      await connected.close();
    } finally {
      stream.kill('SIGKILL');
      await stream.ended;
    }
  });
}

/** What is `/coalmine/node` on a node is this very Node.js here. */
function withNodeHere(agent: NodeAgent): NodeAgent {
  const here = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value).replaceAll(`${NODE_DIR}/node`, process.execPath)) as T;
  return {
    ...agent,
    run: (command, options) => agent.run(here(command), options),
    arm: (record) => agent.arm(here(record)),
  };
}

async function rules(executor: Executor): Promise<string> {
  const argv = ['iptables-save', '-t', 'filter'] as const;
  return (await executor.run({ argv }, { timeoutMs: 10_000 })).stdout;
}
