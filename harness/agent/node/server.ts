/** Takes requests from one stream and answers on another, until the controller says goodbye, falls silent or is gone. */
import type { Readable, Writable } from 'node:stream';
import type { UndoOutcome } from '../../core/carry-out.ts';
import { monotonicMs } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { splitLines } from '../lines.ts';
import {
  GREETING_MS,
  MAX_LINE_CHARS,
  PROTOCOL_VERSION,
  readRequest,
  type Request,
} from '../protocol.ts';
import { createHand, type Hand } from './hand.ts';
import { startLease } from './lease.ts';
import { createLink } from './link.ts';
import { createRunner } from './runner.ts';
import { openUndoBook, type UndoBook } from './undo-book.ts';

const FLUSH_MS = 1_000;

/**
 * Returns how to end it: every process is killed, all that is armed is undone, last in first out, and `onEnd` gets what
 * came of it. Ending twice is no error.
 */
export function serve(
  stdin: Readable,
  stdout: Writable,
  onEnd: (outcomes: UndoOutcome[]) => void,
): () => void {
  const link = createLink(stdout);
  const runner = createRunner();
  let book: Promise<UndoBook> | undefined;
  let hand: Hand | undefined;
  let isEnding = false;

  const complain = (text: string): void => {
    link.send({ type: 'complaint', text });
  };
  async function windDown(farewellId?: number): Promise<void> {
    if (isEnding) return;
    isEnding = true;
    lease.stop();
    // First of all: an inject that is still running must not land after its own undo.
    hand?.drop();
    const opened = await book?.catch(() => undefined);
    const outcomes = (await opened?.undoAll()) ?? [];
    hand?.drop();
    if (farewellId !== undefined) link.send({ type: 'farewell', id: farewellId, outcomes });
    await link.flush(FLUSH_MS);
    onEnd(outcomes);
  }
  const end = (): void => void windDown();

  async function greet({ runId, undoDir, leaseMs }: Request & { type: 'hello' }): Promise<void> {
    lease.renew(leaseMs);
    // With a runner of its own: an undo under way must not be ended with the rest.
    book ??= openUndoBook(undoDir, runId, createRunner());
    try {
      const { left, damaged } = await book;
      hand ??= createHand(runner, link, await book);
      link.send({ type: 'hello', protocol: PROTOCOL_VERSION, pid: process.pid, left, damaged });
    } catch (error) {
      complain(`cannot keep undo records in ${undoDir}: ${messageOf(error)}`);
      end();
    }
  }
  function receive(line: string): void {
    const request = readRequest(line);
    if (typeof request === 'string') complain(request);
    else if (request.type === 'hello') void greet(request);
    else if (request.type === 'heartbeat') {
      lease.renew();
      link.send({ ...request, monoMs: monotonicMs(), wallMs: Date.now() });
    } else if (request.type === 'bye') void windDown(request.id);
    else if (request.type === 'tick') {
      lease.tickEvery(request.everyMs, request.forMs);
      link.send({ type: 'done', id: request.id });
    } else if (hand !== undefined && !isEnding) void hand.answer(request);
    else link.send({ type: 'failed', id: request.id, code: 'agent', message: 'not at work' });
  }

  const lines = splitLines(MAX_LINE_CHARS, receive, (start) => {
    complain(`a line was too long: ${start.slice(0, 100)}…`);
  });
  const report = (gap: { fromMonoMs: number; gapMs: number; tickMs: number }): void => {
    // Before it was greeted nobody can tell when that was: its machine may have been saved since.
    if (book !== undefined) link.send({ type: 'gap', ...gap });
  };
  const lease = startLease(GREETING_MS, report, end);
  stdin.on('data', lines.push);
  for (const event of ['end', 'close', 'error']) stdin.on(event, end);
  for (const event of ['close', 'error']) stdout.on(event, end);
  return end;
}
