/** One real machine in the namespaces that this program was started in, and an agent on its port. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { connectAgent, type AgentConnection } from '../../harness/agent/client.ts';
import { bundleProgram } from '../../harness/components/bundle.ts';
import type { VmImage } from '../../harness/components/image/vm-image.ts';
import type { RunClock } from '../../harness/core/clock.ts';
import { waitFor } from '../../harness/core/deadline.ts';
import { messageOf } from '../../harness/core/errors.ts';
import type { HistoryEvent } from '../../harness/core/history.ts';
import { local } from '../../harness/exec/local.ts';
import { startMachine, type Machine, type PortName } from '../../harness/providers/vm/machine.ts';
import { createNetwork } from '../../harness/providers/vm/network.ts';

const LIMITS = { timeoutMs: 30_000 };
const ANSWER_MS = 120_000;
const NAME = 'worker-1';
const never = new AbortController().signal;

export interface Booting {
  machine: Machine;
  network: Awaited<ReturnType<typeof createNetwork>>;
}

export async function bootMachine(image: VmImage, folder: string): Promise<Booting> {
  await local.run({ argv: ['ip', 'link', 'set', 'lo', 'up'] }, LIMITS);
  const network = await createNetwork();
  const own = path.join(folder, NAME);
  mkdirSync(own, { recursive: true });
  const machine = await startMachine(
    {
      ...{ name: NAME, index: 0, runId: 'room', folder: own, image },
      ...{ cpus: 2, memoryMiB: 1_024, testNics: 1, queues: 2 },
    },
    {
      ...{ network, accel: { kind: 'tcg', reason: 'the test does not ask' }, signal: never },
      ...{ program: await bundleProgram('machine'), say: console.error },
    },
  );
  void machine.died.then((why) => {
    console.error(why);
  });
  return { machine, network };
}

/** What the agent on `port` sees of the machine goes to `onEvent`. */
export async function reach(
  machine: Machine,
  port: PortName,
  clock: RunClock,
  onEvent: (event: HistoryEvent) => void,
): Promise<AgentConnection> {
  const wait = { what: `the ${port} to answer`, timeoutMs: ANSWER_MS };
  const about = () => ({ tMs: clock.nowMs(), node: NAME });
  return waitFor(wait, async () => {
    const stream = await machine.openPort(port);
    try {
      return await connectAgent({
        ...{ stream, node: machine.spec.name, clock, runId: 'room', undoDir: `/run/${port}` },
        onGap: (gap) => {
          onEvent({ ...about(), kind: 'agent-gap', ...gap });
        },
        onClockJump: (jump) => {
          onEvent({ ...about(), kind: 'clock-jump', ...jump });
        },
        onLost: ({ message }) => {
          onEvent({ ...about(), kind: 'agent-lost', detail: message });
        },
      });
    } catch (error) {
      // A boot can take longer than a connection is waited for: the next one must not find this one open.
      stream.kill('SIGKILL');
      throw error;
    }
  }).catch(async (error: unknown) => {
    throw new Error(`${messageOf(error)}${await machine.consoleTail()}`);
  });
}
