/** What the rooms may ask of a node, as calls to its agent. */
import { prettyCommand, type Command, type Completed, type RunOptions } from '../core/command.ts';
import { within } from '../core/deadline.ts';
import { formatDuration } from '../core/duration.ts';
import { CoalmineError } from '../core/errors.ts';
import type { NodeAgent, RunningCommand, WatchOptions, WatchSource } from '../core/node.ts';
import type { UndoRecord } from '../core/undo.ts';
import type { Calls, OwnReport } from './calls.ts';
import type { Pulse } from './pulse.ts';

/** What an answer may take on top of the work itself. Long, because a frozen node is no dead node. */
export const ANSWER_MS = 60_000;

/** `limits` has the whole time that each armed record may take; `arm` adds to it. */
export function nodeAgent(
  name: string,
  calls: Calls,
  pulse: Pulse,
  limits: Map<string, number>,
): NodeAgent {
  const ask = (call: Parameters<Calls['make']>[0], timeoutMs = 0) =>
    calls.make(call, { timeoutMs: timeoutMs + ANSWER_MS });
  return {
    name,
    run: (command, options) => run(name, calls, command, options),
    start: (command, onLine) => start(calls, command, onLine),
    watch: (source, options) => watch(calls, pulse, source, options),
    writeFile: async (path, content, mode) => {
      await ask({ type: 'write-file', path, content, ...(mode === undefined ? {} : { mode }) });
    },
    arm: async (record) => {
      await ask({ type: 'arm', record });
      limits.set(record.id, undoLimitMs(record));
    },
    undo: async (id) => {
      await ask({ type: 'undo', record: id }, limits.get(id));
      limits.delete(id);
    },
    tickEvery: async (everyMs, forMs) => {
      await ask({ type: 'tick', everyMs, forMs });
    },
    wallToRunMs: (wallMs) => pulse.wall.toRun(wallMs).tMs,
    heardMs: () => pulse.heardMs(),
    behind: () => within(`the clock of ${name}`, ANSWER_MS, pulse.askBehind()),
  };
}

/** Every step has the record's limit for itself, and the verification may ask once more at its end. */
export function undoLimitMs({ undo, restore, timeoutMs }: UndoRecord): number {
  return (undo.length + restore.length + 2) * timeoutMs;
}

async function run(
  name: string,
  calls: Calls,
  command: Command,
  { timeoutMs, signal }: RunOptions,
): Promise<Completed> {
  signal?.throwIfAborted();
  let abort: (() => void) | undefined;
  try {
    const answer = await new Promise<OwnReport>((resolve, reject) => {
      const onId = (target: number): void => {
        abort = () => {
          reject(signal?.reason as Error);
          calls
            .make({ type: 'kill', target, signal: 'SIGKILL' }, { timeoutMs: ANSWER_MS })
            .catch(() => undefined);
        };
        signal?.addEventListener('abort', abort, { once: true });
      };
      calls
        .make({ type: 'run', command, timeoutMs }, { timeoutMs: timeoutMs + ANSWER_MS, onId })
        .then(resolve, reject);
    });
    if (answer.type !== 'completed')
      throw new CoalmineError('agent', `${name} answered run with ${answer.type}`);
    const { exitCode, signal: endedBy, stdout, stderr, truncated, timedOut } = answer;
    const what = `\`${prettyCommand(command)}\` on ${name}`;
    if (timedOut)
      throw new CoalmineError(
        'command',
        `${what} ran into its limit of ${formatDuration(timeoutMs)}\n${stderr.trim().slice(-500)}`.trim(),
      );
    if (truncated) throw new CoalmineError('command', `${what} printed more than the agent takes`);
    return { exitCode, signal: endedBy, stdout, stderr };
  } finally {
    if (abort !== undefined) signal?.removeEventListener('abort', abort);
  }
}

async function start(
  calls: Calls,
  command: Command,
  onLine: Parameters<NodeAgent['start']>[1],
): Promise<RunningCommand> {
  let target = 0;
  let resolveEnded: (exit: Awaited<RunningCommand['ended']>) => void;
  const ended: RunningCommand['ended'] = new Promise((resolve) => {
    resolveEnded = resolve;
  });
  await calls.make(
    { type: 'start', command },
    {
      timeoutMs: ANSWER_MS,
      onId: (id) => {
        target = id;
      },
      onMore: (report) => {
        if (report.type === 'line') onLine(report.text, report.stream);
        if (report.type === 'ended')
          resolveEnded({ exitCode: report.exitCode, signal: report.signal });
      },
    },
  );
  return {
    ended,
    kill: async (signal) => {
      await calls.make({ type: 'kill', target, signal }, { timeoutMs: ANSWER_MS });
    },
  };
}

async function watch(
  calls: Calls,
  { mono }: Pulse,
  source: WatchSource,
  { everyMs, everyTick = false, ...options }: WatchOptions,
): Promise<{ stop(): Promise<void> }> {
  const wanted = 'files' in source ? { files: [...source.files] } : source;
  let target = 0;
  const onMore = (report: OwnReport): void => {
    if (report.type === 'reading') {
      const { tMs, errorMs } = mono.toRun(report.monoMs);
      options.onReading({ tMs, errorMs: errorMs + report.spreadMs, changed: report.changed });
    } else if (report.type === 'progress') {
      const { monoMs, reads, failures, skips, lastError } = report;
      const { tMs } = mono.toRun(monoMs);
      options.onProgress?.({
        tMs,
        reads,
        failures,
        skips,
        ...(lastError === undefined ? {} : { lastError }),
      });
    }
  };
  await calls.make(
    { type: 'watch', source: wanted, everyMs, everyTick },
    {
      timeoutMs: ANSWER_MS,
      onMore,
      onId: (id) => {
        target = id;
      },
    },
  );
  return {
    stop: async () => {
      calls.forget(target);
      await calls.make({ type: 'unwatch', target }, { timeoutMs: ANSWER_MS });
    },
  };
}
