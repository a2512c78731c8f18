/** One held TCP connection: says its number, waits for the echo, and knows how it broke. */
import { connect } from 'node:net';

export interface Flow {
  /** When the first message without its echo was sent. */
  readonly waitingSinceMs: number | undefined;
  /** How the connection broke: `reset`, `eof` or the system's code. Undefined while it lives. */
  readonly broken: string | undefined;
  nextMs: number;
  send(): void;
  destroy(): void;
}

export interface FlowOptions {
  id: number;
  host: string;
  port: number;
  timeoutMs: number;
  onEcho(tookMs: number): void;
}

const CODES: Readonly<Record<string, string>> = { ECONNRESET: 'reset', EPIPE: 'reset' };

/** Resolves once the connection is established; rejects where it cannot be within the limit. */
export function openFlow(options: FlowOptions): Promise<Flow> {
  const socket = connect({ host: options.host, port: options.port, noDelay: true });
  const state = {
    waitingSinceMs: undefined as number | undefined,
    broken: undefined as string | undefined,
  };
  let sequence = 0;
  let expected = '';
  let heard = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    heard += text;
    if (heard.length < expected.length) return;
    if (heard !== expected || state.waitingSinceMs === undefined) {
      state.broken ??= 'wrong-echo';
      return;
    }
    const tookMs = performance.now() - state.waitingSinceMs;
    state.waitingSinceMs = undefined;
    heard = '';
    options.onEcho(tookMs);
  });
  socket.on('end', () => {
    state.broken ??= 'eof';
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    state.broken ??= CODES[error.code ?? ''] ?? error.code ?? error.name;
  });
  const flow: Flow = {
    get waitingSinceMs() {
      return state.waitingSinceMs;
    },
    get broken() {
      return state.broken;
    },
    nextMs: 0,
    send() {
      sequence += 1;
      expected = `${options.id} ${sequence}\n`;
      heard = '';
      state.waitingSinceMs = performance.now();
      socket.write(expected, 'latin1');
    },
    destroy() {
      socket.destroy();
    },
  };
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      socket.destroy(new Error(`no connection within ${options.timeoutMs} ms`));
    }, options.timeoutMs);
    socket.once('connect', () => {
      clearTimeout(limit);
      resolve(flow);
    });
    socket.once('error', (error) => {
      clearTimeout(limit);
      reject(error);
    });
  });
}
