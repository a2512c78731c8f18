/** The byte stream to an agent, as messages. Breaks once, and then says what the other side's last words were. */
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { CoalmineError } from '../core/errors.ts';
import { splitLines } from './lines.ts';
import { encode, MAX_LINE_CHARS, readReport, type Report, type Request } from './protocol.ts';

/** The agent process as its provider gives it: `docker exec -i`, or the two ends of a serial port. */
export interface AgentStream {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr?: Readable;
  /** Settles when the process has ended. */
  readonly ended: Promise<unknown>;
}

export interface WireEvents {
  onReport(report: Report): void;
  /** Something came that is no message. */
  onNonsense(text: string): void;
  /** Nothing comes any more. `lastWords` is empty, or a colon and what was printed on stderr or last came as nonsense. */
  onEnd(lastWords: string): void;
}

export interface Wire {
  readonly send: (request: Request) => void;
  /** Lets the other side know that nothing more will come, and waits for its end. */
  close(): Promise<void>;
}

const LAST_WORDS_CHARS = 2_000;
const EXIT_TIMEOUT_MS = 10_000;
const DRAIN_MS = 1_000;

export function openWire(stream: AgentStream, node: string, events: WireEvents): Wire {
  let lastWords = '';
  let hasEnded = false;
  let drained: NodeJS.Timeout | undefined;
  const say = (text: string): void => {
    lastWords = (lastWords + text).slice(-LAST_WORDS_CHARS);
  };
  const nonsense = (text: string): void => {
    say(`${text}\n`);
    events.onNonsense(text);
  };
  const lines = splitLines(
    MAX_LINE_CHARS,
    (line) => {
      const report = readReport(line);
      if (typeof report === 'string') nonsense(report);
      else events.onReport(report);
    },
    () => {
      nonsense('a line was too long');
    },
  );
  const end = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    clearTimeout(drained);
    lines.end();
    events.onEnd(lastWords.trim() === '' ? '' : `: ${lastWords.trim()}`);
  };
  stream.stdout.on('data', lines.push);
  for (const event of ['end', 'close', 'error']) stream.stdout.on(event, end);
  stream.stderr?.on('data', (chunk: Buffer) => {
    say(chunk.toString('utf8'));
  });
  // What the process wrote last may still be on its way when its end is known. A broken stdin alone ends nothing.
  const endSoon = (): void => {
    // A timer that nobody needs would hold up the end of the whole program.
    if (!hasEnded) drained = setTimeout(end, DRAIN_MS);
  };
  stream.ended.then(endSoon, endSoon);
  stream.stdin.on('error', () => undefined);

  return {
    send: (request) => {
      const line = encode(request);
      if (line === undefined)
        throw new CoalmineError('agent', `too much for one message to ${node}: ${request.type}`);
      if (stream.stdin.writable) stream.stdin.write(line);
    },
    close: async () => {
      stream.stdin.end();
      if (hasEnded) return;
      const limit = AbortSignal.timeout(EXIT_TIMEOUT_MS);
      try {
        await once(stream.stdout, 'close', { signal: limit });
      } catch (cause) {
        if (limit.aborted)
          throw new CoalmineError('agent', `the agent on ${node} did not exit`, { cause });
      }
    },
  };
}
