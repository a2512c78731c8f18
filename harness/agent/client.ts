/** The controller's end of a node agent: turns calls into messages, and the agent's times into times of the run. */
import type { UndoOutcome } from '../core/carry-out.ts';
import type { RunClock } from '../core/clock.ts';
import { formatDuration } from '../core/duration.ts';
import { CoalmineError } from '../core/errors.ts';
import type { NodeAgent } from '../core/node.ts';
import type { UndoRecord } from '../core/undo.ts';
import { createCalls } from './calls.ts';
import { ANSWER_MS, nodeAgent, undoLimitMs } from './node-agent.ts';
import {
  HEARTBEATS_PER_LEASE,
  LEASE_MS,
  PROTOCOL_VERSION,
  UNDO_DIR,
  type Report,
} from './protocol.ts';
import { startPulse, type ClockJump } from './pulse.ts';
import { openWire, type AgentStream } from './wire.ts';

export interface ConnectOptions {
  stream: AgentStream;
  /** The node's name, for messages. */
  node: string;
  clock: RunClock;
  runId: string;
  /**
   * The agent did not run for `gapMs`: a freeze as seen from inside, or a starved node. Measured from its last tick
   * before to its first after, so never too short, and too long by one tick (`tickMs`) at most.
   */
  onGap: (gap: { fromMs: number; gapMs: number; tickMs: number }) => void;
  /** The node's clock stood still, or jumped, against ours: a machine that was stopped together with its clock. */
  onClockJump?: (jump: ClockJump) => void;
  /** Once, when the stream breaks without a goodbye. Every call that waits, or comes later, fails with `agent`. */
  onLost: (error: CoalmineError) => void;
  /** The agent, or something else on its stream, said what belongs to no call: worth a note. */
  onComplaint?: (text: string) => void;
  /** Silence after which the agent undoes everything; ten heartbeats fit into it. */
  leaseMs?: number;
  /** Folder on the node that holds the undo records, one folder a run below it. */
  undoDir?: string;
  /** How long its first word may take; a machine may still be booting. */
  helloMs?: number;
  /** Gives up connecting; has no effect later. */
  signal?: AbortSignal;
}

export interface AgentConnection extends NodeAgent {
  /** What earlier lives left on the node's disk. Those of this run are armed again: `undo(id)` carries them out. */
  readonly left: readonly { runId: string; record: UndoRecord }[];
  /** Files among the undo records on the node that cannot be read. */
  readonly damaged: readonly string[];
  /** Process id of the agent, as its node counts. */
  readonly pid: number;
  /**
   * The agent undoes what is still armed, last in first out, ends what it runs, and exits. Throws `undo` where
   * something could not be confirmed, `agent` where it does not answer. Closing twice, or after onLost, is no error.
   */
  close(): Promise<void>;
}

/** An emulated machine whose kubelet is just starting needs most of a minute to start a program, when others are busy too. */
const HELLO_MS = 90_000;

type Hello = Extract<Report, { type: 'hello' }>;

/** Says hello, learns the node's clock, and from then on keeps the lease by heartbeats until `close`. */
export async function connectAgent(options: ConnectOptions): Promise<AgentConnection> {
  const { stream, node, clock, runId, leaseMs = LEASE_MS, undoDir = UNDO_DIR } = options;
  options.signal?.throwIfAborted();
  const greeting = expectGreeting(options);
  let phase: 'connecting' | 'open' | 'closing' | 'lost' = 'connecting';
  let hello: Hello | undefined;

  const wire = openWire(stream, node, {
    onReport: (report) => {
      if (report.type === 'hello') hello = report;
      else if (report.type === 'heartbeat') pulse.receive(report);
      else if (report.type === 'gap') {
        const { fromMonoMs, gapMs, tickMs } = report;
        options.onGap({ fromMs: pulse.mono.toRun(fromMonoMs).tMs, gapMs, tickMs });
      } else if (report.type === 'complaint') {
        // Before its own hello, an agent complains about ours.
        if (hello === undefined) greeting.reject(refused(node, report.text));
        options.onComplaint?.(report.text);
      } else calls.receive(report);
      if (hello !== undefined && pulse.isSteady()) greeting.resolve(hello);
    },
    onNonsense: (text) => options.onComplaint?.(text),
    onEnd: (lastWords) => {
      const wasOpen = phase === 'open';
      phase = 'lost';
      const error = new CoalmineError('agent', `the agent on ${node} is gone${lastWords}`);
      pulse.stop();
      greeting.reject(error);
      calls.fail(error);
      if (wasOpen) options.onLost(error);
    },
  });
  const calls = createCalls(node, wire.send);
  const pulse = startPulse(clock, leaseMs / HEARTBEATS_PER_LEASE, wire.send, (jump) =>
    options.onClockJump?.(jump),
  );
  wire.send({ type: 'hello', protocol: PROTOCOL_VERSION, runId, undoDir, leaseMs });
  const { left, damaged, pid } = await greeting.promise.catch(async (error: unknown) => {
    pulse.stop();
    await wire.close().catch(() => undefined);
    throw error;
  });
  phase = 'open';

  const limits = new Map<string, number>();
  for (const { runId: of, record } of left) {
    if (of === runId) limits.set(record.id, undoLimitMs(record));
  }
  const close = async (): Promise<void> => {
    if (phase !== 'open') return;
    phase = 'closing';
    const timeoutMs = [...limits.values()].reduce((sum, limit) => sum + limit, ANSWER_MS);
    const answer = await calls.make({ type: 'bye' }, { timeoutMs }).finally(() => {
      pulse.stop();
    });
    await wire.close();
    if (answer.type === 'farewell') throwUnverified(node, answer.outcomes);
  };
  let closing: Promise<void> | undefined;
  return {
    ...nodeAgent(node, calls, pulse, limits),
    left,
    damaged,
    pid,
    close: () => (closing ??= close()),
  };
}

/** The first word of the agent, or why it does not come. */
function expectGreeting({ node, signal, helloMs = HELLO_MS }: ConnectOptions) {
  let resolve!: (hello: Hello) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<Hello>((...ways) => {
    [resolve, reject] = ways;
  });
  const timer = setTimeout(() => {
    reject(refused(node, `it did not say hello within ${formatDuration(helloMs)}`));
  }, helloMs);
  const giveUp = (): void => {
    reject(signal?.reason as Error);
  };
  signal?.addEventListener('abort', giveUp, { once: true });
  const settled = promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  });
  return { promise: settled, resolve, reject };
}

function refused(node: string, why: string): CoalmineError {
  return new CoalmineError('agent', `no agent on ${node}: ${why}`, {
    wayOut:
      'run `coalmine setup` again, so that the program on the node is the one of this version',
  });
}

function throwUnverified(node: string, outcomes: readonly UndoOutcome[]): void {
  const failed = outcomes.filter(({ verified }) => !verified);
  if (failed.length === 0) return;
  const text = failed.map(({ id, problems }) => `${id} (${problems.join('; ')})`).join(', ');
  throw new CoalmineError('undo', `${node}: could not confirm the undo of ${text}`, {
    wayOut: 'run `coalmine clean`, and look at the node yourself if that fails too',
  });
}
