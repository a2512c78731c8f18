/** The way out of the agent. Never blocks: a controller that does not read must not keep the lease from running out. */
import type { Writable } from 'node:stream';
import { encode, MAX_BACKLOG_BYTES, type Report } from '../protocol.ts';

export interface Link {
  send(report: Report): void;
  /** Whether so much waits to be sent that nothing new should be read. Answers to calls are sent all the same. */
  behind(): boolean;
  /** Stops `source` while the link is behind. */
  throttle(source: { pause(): void; resume(): void }): void;
  /** Resolves once everything was handed over, the stream broke, or `timeoutMs` passed. */
  flush(timeoutMs: number): Promise<void>;
}

export function createLink(stdout: Writable): Link {
  const behind = (): boolean => stdout.writable && stdout.writableLength > MAX_BACKLOG_BYTES;
  const write = (report: Report): boolean => {
    const line = encode(report);
    if (line !== undefined && stdout.writable) stdout.write(line);
    return line !== undefined;
  };
  return {
    behind,
    send: (report) => {
      if (write(report)) return;
      const message = `a message of type ${report.type} was too long to be sent`;
      write({ type: 'complaint', text: message });
      if (report.type === 'completed')
        write({ type: 'failed', id: report.id, code: 'command', message });
    },
    throttle: (source) => {
      if (!behind()) return;
      source.pause();
      stdout.once('drain', () => {
        source.resume();
      });
    },
    flush: (timeoutMs) =>
      new Promise((resolve) => {
        setTimeout(resolve, timeoutMs);
        stdout.write('', () => {
          resolve();
        });
      }),
  };
}
