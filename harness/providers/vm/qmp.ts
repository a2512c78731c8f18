/**
 * Speaks QMP, the machine protocol of QEMU's monitor, over a UNIX socket: a greeting, then one JSON object a line, answers
 * matched by id, events in between. When QEMU goes, every call that waits, or comes later, fails and says what it was.
 */
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { within } from '../../core/deadline.ts';
import { formatDuration } from '../../core/duration.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';

export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Qmp {
  /** Throws `command` where QEMU refuses or is gone, `deadline` where it does not answer in time. */
  execute(command: string, args?: Record<string, unknown>, timeoutMs?: number): Promise<unknown>;
  /** Calls back for each event until the returned function is called. */
  onEvent(listener: (event: QmpEvent) => void): () => void;
  /** Settles once QEMU has closed the connection, or we have. */
  readonly closed: Promise<unknown>;
  close(): void;
}

const ANSWER_MS = 10_000;
/** One answer: a list of everything that a machine has is far below it. */
const LINE_CHARS_MAX = 16 * 1024 * 1024;

const object = z.record(z.string(), z.unknown());
const greetingSchema = z.object({ QMP: object });
const answerSchema = z.union([
  z.object({ event: z.string(), data: object.default({}) }),
  z.object({ id: z.number(), return: z.unknown() }),
  z.object({ id: z.number().optional(), error: z.object({ class: z.string(), desc: z.string() }) }),
]);
const messageSchema = z.union([greetingSchema, answerSchema]);
type Message = z.infer<typeof messageSchema>;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Connects, reads the greeting and leaves the negotiation mode. `name` is the machine's, for messages. */
export async function connectQmp(
  socketPath: string,
  name: string,
  timeoutMs = ANSWER_MS,
): Promise<Qmp> {
  const socket = connect(socketPath);
  const monitor = speak(socket, name);
  try {
    await within(`the monitor of ${name} to greet`, timeoutMs, monitor.greeted);
    await monitor.execute('qmp_capabilities', undefined, timeoutMs);
    return monitor;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function speak(socket: Socket, name: string): Qmp & { greeted: Promise<undefined> } {
  const waiting = new Map<number, Waiting>();
  const listeners = new Set<(event: QmpEvent) => void>();
  let lastId = 0;
  let failure: CoalmineError | undefined;
  const greeting = settleable<undefined>();
  const closed = settleable<undefined>();

  const fail = (why: string, cause?: unknown): void => {
    failure ??= new CoalmineError('command', `the monitor of ${name} ${why}`, { cause });
    greeting.reject(failure);
    for (const one of waiting.values()) one.reject(failure);
    waiting.clear();
    socket.destroy();
  };
  const receive = (message: Message): void => {
    if ('QMP' in message) greeting.resolve(undefined);
    else if ('event' in message) for (const listener of [...listeners]) listener(message);
    else if ('error' in message) {
      const { class: kind, desc } = message.error;
      const error = new CoalmineError('command', `${name}: QEMU refused: ${desc} (${kind})`);
      // An answer without an id is about a line that was no command: whose it was cannot be said.
      if (message.id === undefined) fail(`refused what it could not read: ${desc}`);
      else waiting.get(message.id)?.reject(error);
    } else waiting.get(message.id)?.resolve(message.return);
  };
  socket.setEncoding('utf8');
  socket.on('data', splitMessages(receive, fail));
  socket.on('error', (error) => {
    fail(`cannot be reached: ${messageOf(error)}`, error);
  });
  socket.on('close', () => {
    fail('is closed: QEMU is gone');
    closed.resolve(undefined);
  });

  return {
    greeted: greeting.promise,
    closed: closed.promise,
    execute: async (command, args, timeoutMs = ANSWER_MS) => {
      if (failure !== undefined) throw failure;
      const id = (lastId += 1);
      const { promise, ...waiter } = settleable<unknown>();
      waiting.set(id, waiter);
      const request = { execute: command, id, ...(args === undefined ? {} : { arguments: args }) };
      socket.write(`${JSON.stringify(request)}\n`);
      try {
        return await within(`QEMU of ${name} to answer ${command}`, timeoutMs, promise);
      } finally {
        waiting.delete(id);
      }
    },
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      failure ??= new CoalmineError('command', `the monitor of ${name} was closed`);
      socket.destroy();
    },
  };
}

/** Returns what takes the pieces as they come; `fail` gets what is no message. */
function splitMessages(
  receive: (message: Message) => void,
  fail: (why: string) => void,
): (chunk: string) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.trim() === '') continue;
      const message = readMessage(line);
      if (message === undefined) fail(`said what is no message: ${line.slice(0, 200)}`);
      else receive(message);
    }
    if (rest.length > LINE_CHARS_MAX) fail('sent a line without end');
  };
}

function readMessage(line: string): Message | undefined {
  try {
    return messageSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** A promise and its two ends. */
function settleable<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((...ends) => {
    [resolve, reject] = ends;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

/** Waits for an event; listen before doing what causes it. */
export function nextEvent(
  qmp: Qmp,
  matches: (event: QmpEvent) => boolean,
  { what, timeoutMs }: { what: string; timeoutMs: number },
): Promise<QmpEvent> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      stop();
    };
    const stop = qmp.onEvent((event) => {
      if (!matches(event)) return;
      end();
      resolve(event);
    });
    const timer = setTimeout(() => {
      end();
      const text = `waited for ${what} and gave up after ${formatDuration(timeoutMs)}`;
      reject(new CoalmineError('deadline', text));
    }, timeoutMs);
    void qmp.closed.then(() => {
      end();
      reject(new CoalmineError('command', `waited for ${what}, but QEMU is gone`));
    });
  });
}
