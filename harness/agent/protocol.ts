/**
 * What controller and node agent say to each other: NDJSON, one message a line, checked on both sides. The agent knows
 * no probe, fault or load by name; all it gets is files to read, argv arrays, file writes and undo records.
 */
import { z } from 'zod';
import { commandSchema, undoRecordSchema } from '../core/undo.ts';

/** Goes up with every change that an older side would misread. */
export const PROTOCOL_VERSION = 2;

/** A longer line is thrown away by its reader. Wide enough for MAX_OUTPUT_CHARS of ordinary text on both streams. */
export const MAX_LINE_CHARS = 64 * 1024 * 1024;
/** What one command may print, per stream, and one watched file may hold, before it is cut off. */
export const MAX_OUTPUT_CHARS = 16 * 1024 * 1024;
/** While more than this waits to be sent, the agent takes no samples and reads no further output of running commands. */
export const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;

export const LEASE_MS = 10_000;
/** How long an agent waits for the first word: one that was saved with its machine is greeted some time after that goes on. */
export const GREETING_MS = 60_000;
/** So many heartbeats may get lost before the lease runs out. */
export const HEARTBEATS_PER_LEASE = 10;
/** On the node's disk, one folder a run below it. */
export const UNDO_DIR = '/var/lib/coalmine/undo';

const id = z.number().int();
const ms = z.number();
const timeoutMs = z.number().int().positive();

/** Names one folder below the undo directory, so it must not lead out of it. */
const folderName = z.string().regex(/^[\w-][\w.-]*$/);

/** Read before anything else, so that two versions can tell each other that they differ. */
const greetingSchema = z.object({ type: z.literal('hello'), protocol: z.number() });

const requestSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('hello'),
    protocol: z.literal(PROTOCOL_VERSION),
    runId: folderName,
    undoDir: z.string().startsWith('/'),
    leaseMs: timeoutMs,
  }),
  z.strictObject({ type: z.literal('heartbeat'), seq: z.number().int() }),
  z.strictObject({ type: z.literal('run'), id, command: commandSchema, timeoutMs }),
  z.strictObject({ type: z.literal('start'), id, command: commandSchema }),
  /** Ends what `run` or `start` began under `target`; its whole process group gets the signal. */
  z.strictObject({
    type: z.literal('kill'),
    id,
    target: id,
    signal: z.enum(['SIGTERM', 'SIGKILL', 'SIGINT']),
  }),
  z.strictObject({
    type: z.literal('watch'),
    id,
    source: z.union([
      z.strictObject({ files: z.array(z.string()).min(1) }),
      z.strictObject({ command: commandSchema, timeoutMs }),
    ]),
    everyMs: z.number().int().min(10),
    everyTick: z.boolean(),
  }),
  z.strictObject({ type: z.literal('unwatch'), id, target: id }),
  z.strictObject({
    type: z.literal('write-file'),
    id,
    path: z.string().startsWith('/'),
    content: z.string(),
    mode: z.number().int().exactOptional(),
  }),
  z.strictObject({
    type: z.literal('arm'),
    id,
    record: undoRecordSchema.extend({ id: folderName }),
  }),
  z.strictObject({ type: z.literal('undo'), id, record: z.string() }),
  /** For the next `forMs`, look for gaps every `everyMs`. */
  z.strictObject({ type: z.literal('tick'), id, everyMs: timeoutMs, forMs: ms.positive() }),
  /** Undo what is still armed, end what still runs, answer, exit. */
  z.strictObject({ type: z.literal('bye'), id }),
]);
export type Request = z.infer<typeof requestSchema>;
/** What is answered by exactly one message with the same id. */
export type Call = Extract<Request, { id: number }>;

const outcomes = z.array(
  z.strictObject({ id: z.string(), verified: z.boolean(), problems: z.array(z.string()) }),
);
const exit = { exitCode: z.number().nullable(), signal: z.string().nullable() };

const reportSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('hello'),
    protocol: z.literal(PROTOCOL_VERSION),
    pid: z.number(),
    /** Undo records that an earlier life left on the disk: those of this run are armed again. */
    left: z.array(z.strictObject({ runId: z.string(), record: undoRecordSchema })).readonly(),
    /** Files in the undo directory that hold no record. */
    damaged: z.array(z.string()).readonly(),
  }),
  z.strictObject({ type: z.literal('heartbeat'), seq: z.number(), monoMs: ms, wallMs: ms }),
  /** Done, with nothing to tell. */
  z.strictObject({ type: z.literal('done'), id }),
  z.strictObject({
    type: z.literal('failed'),
    id,
    code: z.enum(['command', 'undo', 'agent']),
    message: z.string(),
  }),
  z.strictObject({
    type: z.literal('completed'),
    id,
    ...exit,
    stdout: z.string(),
    stderr: z.string(),
    truncated: z.boolean(),
    timedOut: z.boolean(),
  }),
  z.strictObject({
    type: z.literal('line'),
    id,
    stream: z.enum(['stdout', 'stderr']),
    text: z.string(),
  }),
  z.strictObject({ type: z.literal('ended'), id, ...exit }),
  /** Read at `monoMs` ± `spreadMs`. */
  z.strictObject({
    type: z.literal('reading'),
    id,
    monoMs: ms,
    spreadMs: ms,
    changed: z.record(z.string(), z.string().nullable()),
  }),
  z.strictObject({
    type: z.literal('progress'),
    id,
    monoMs: ms,
    reads: z.number(),
    failures: z.number(),
    skips: z.number(),
    lastError: z.string().exactOptional(),
  }),
  z.strictObject({ type: z.literal('gap'), fromMonoMs: ms, gapMs: ms, tickMs: ms }),
  z.strictObject({ type: z.literal('farewell'), id, outcomes }),
  /** The agent was sent nonsense, or has something to say that belongs to no call. */
  z.strictObject({ type: z.literal('complaint'), text: z.string() }),
]);
export type Report = z.infer<typeof reportSchema>;

/** Returns the message as a line, or undefined where its reader would throw it away. */
export function encode(message: Request | Report): string | undefined {
  const line = JSON.stringify(message);
  return line.length > MAX_LINE_CHARS ? undefined : `${line}\n`;
}

/** Returns what a line says, or a sentence that tells why it says nothing. Never throws. */
export function readRequest(line: string): Request | string {
  return read(line, requestSchema);
}

export function readReport(line: string): Report | string {
  return read(line, reportSchema);
}

function read<T>(line: string, schema: z.ZodType<T>): T | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return `not JSON: ${line.slice(0, 200)}`;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const greeting = greetingSchema.safeParse(value);
  return greeting.success && greeting.data.protocol !== PROTOCOL_VERSION
    ? `protocol ${greeting.data.protocol} is spoken there, ${PROTOCOL_VERSION} here`
    : `no such message: ${z.prettifyError(parsed.error)} in ${line.slice(0, 200)}`;
}
