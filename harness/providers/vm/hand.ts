/**
 * The provider's own hand on a machine: an agent of its own beside the run's, so that commands of the provider do not
 * depend on whether the run's agent is there. A machine that has rebooted is reached again by the next command.
 */
import { connectAgent, type AgentConnection } from '../../agent/client.ts';
import type { RunClock } from '../../core/clock.ts';
import { waitFor } from '../../core/deadline.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import type { NodeAgent } from '../../core/node.ts';
import type { ClockedNode } from '../../core/node-clock.ts';
import type { Machine } from './machine.ts';
import type { Work } from './work.ts';

/** Undo records are the other agent's: this one would carry them out too. */
const UNDO_DIR = '/var/lib/coalmine/hand';
/** Power-on to agent takes 6 to 8 s without KVM, and several times that on a machine that others use too. */
const BOOT_MS = 180_000;

export interface Hand extends ClockedNode {
  writeFile: NodeAgent['writeFile'];
  start: NodeAgent['start'];
  /** Idempotent. */
  close(): void;
}

interface HandOptions {
  clock: RunClock;
  /** Of the first meeting: undo and logs need the hand when the run is over, too. */
  signal: AbortSignal;
  /** Of the cluster. */
  broken: AbortSignal;
  undoDir: string;
}

/** The hand on a machine of a cluster that is being made; one that does not answer is told with the end of its console. */
export async function meetMachine(
  { context, signal, broken, unwind }: Pick<Work, 'context' | 'signal' | 'broken' | 'unwind'>,
  machine: Machine,
  undoDir = UNDO_DIR,
): Promise<Hand> {
  const options = { clock: context.clock, signal, broken, undoDir };
  const hand = await openHand(machine, options).catch(async (cause: unknown) => {
    signal.throwIfAborted();
    const tail = await machine.consoleTail();
    throw new CoalmineError('provision', `${messageOf(cause)}${tail}`, { cause });
  });
  unwind.push(`hand of ${machine.spec.name}`, () => {
    hand.close();
  });
  return hand;
}

/** Resolves when the machine's agent answers for the first time. */
async function openHand(machine: Machine, options: HandOptions): Promise<Hand> {
  const { clock, broken, undoDir } = options;
  const { name } = machine.spec;
  let link: Promise<Link> | undefined;
  const reach = async (asked?: AbortSignal): Promise<AgentConnection> => {
    const signal = asked === undefined ? broken : AbortSignal.any([broken, asked]);
    link ??= connect(machine, { clock, signal, undoDir }, () => {
      link = undefined;
    });
    return (await link).connection;
  };
  await reach(options.signal);
  return {
    name,
    run: async (command, limits) => (await reach(limits.signal)).run(command, limits),
    writeFile: async (path, content, mode) => (await reach()).writeFile(path, content, mode),
    start: async (command, onLine) => (await reach()).start(command, onLine),
    behind: async () => (await reach()).behind(),
    close: () => {
      void link?.then(
        ({ kill }) => {
          kill();
        },
        () => undefined,
      );
      link = undefined;
    },
  };
}

interface Link {
  connection: AgentConnection;
  kill: () => void;
}

/** @param onLost called when there is no connection any more, or none was made */
async function connect(
  machine: Machine,
  { clock, signal, undoDir }: Omit<HandOptions, 'broken'>,
  onLost: () => void,
): Promise<Link> {
  const { name, runId } = machine.spec;
  const wait = { what: `the agent on ${name} to answer`, timeoutMs: BOOT_MS, everyMs: 100, signal };
  try {
    return await waitFor(wait, async () => {
      const stream = await machine.openPort('hand');
      const kill = (): void => {
        stream.kill('SIGKILL');
      };
      try {
        const connection = await connectAgent({
          ...{ stream, node: name, clock, runId, signal, undoDir, helloMs: BOOT_MS },
          onGap: () => undefined,
          onLost: () => {
            kill();
            onLost();
          },
        });
        return { connection, kill };
      } catch (error) {
        kill();
        throw error;
      }
    });
  } catch (error) {
    onLost();
    throw error;
  }
}
