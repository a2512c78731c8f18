/** Downloads over HTTP to the disk. Unreachable, refused, stalled and cut short are four different errors. */
import { createWriteStream } from 'node:fs';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { formatDuration } from '../../core/duration.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import { formatBytes } from '../disk.ts';

export interface DownloadLimits {
  connectMs: number;
  /** From the request to the response's head, redirects included. */
  headMs: number;
  /** Longest time without a byte. */
  stallMs: number;
}

export const DOWNLOAD_LIMITS: DownloadLimits = {
  connectMs: 3_000,
  headMs: 15_000,
  stallMs: 20_000,
};

/** Hosts that did not answer, for the life of this process: without internet, only the first component waits. */
const unreachable = new Map<string, string>();

export interface Transfer {
  url: string;
  limits: DownloadLimits;
  signal: AbortSignal;
}

export async function downloadText(transfer: Transfer): Promise<string> {
  const chunks: Buffer[] = [];
  await receive(transfer, async (body) => {
    for await (const chunk of body) chunks.push(chunk as Buffer);
  });
  return Buffer.concat(chunks).toString('utf8');
}

export async function downloadFile(
  transfer: Transfer,
  file: string,
  onBytes: (received: number, total: number | undefined) => void,
): Promise<void> {
  await receive(transfer, (body) => pipeline(body, createWriteStream(file)), onBytes);
}

async function receive(
  transfer: Transfer,
  consume: (body: Readable) => Promise<void>,
  onBytes?: (received: number, total: number | undefined) => void,
): Promise<void> {
  const { url, limits, signal } = transfer;
  await demandReachable(new URL(url), limits.connectMs, signal);
  const patience = patienceFor(signal);
  patience.wait(limits.headMs, 'no answer');
  let received = 0;
  let total: number | undefined;
  try {
    const response = await fetch(url, { signal: patience.signal });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new CoalmineError('component', `HTTP ${response.status} for ${url}`);
    }
    const length = Number(response.headers.get('content-length') ?? NaN);
    // A length of compressed content says nothing about the bytes that come out of fetch.
    total =
      Number.isFinite(length) && response.headers.get('content-encoding') === null
        ? length
        : undefined;
    const body = Readable.fromWeb(response.body);
    body.on('data', (chunk: Buffer) => {
      received += chunk.length;
      patience.wait(limits.stallMs, `nothing more came after ${formatBytes(received)}`);
      onBytes?.(received, total);
    });
    body.pause();
    await consume(body);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CoalmineError) throw error;
    if (isSystemError(error)) throw error; // our own disk, not the network
    throw transferError(url, patience.ranOut(), received, total, error);
  } finally {
    patience.end();
  }
  if (total !== undefined && received !== total)
    throw transferError(url, undefined, received, total, undefined);
}

function transferError(
  url: string,
  ranOut: string | undefined,
  received: number,
  total: number | undefined,
  cause: unknown,
): CoalmineError {
  if (ranOut !== undefined) return new CoalmineError('component', `${url}: ${ranOut}`, { cause });
  const all = total === undefined ? '' : ` of ${total}`;
  return new CoalmineError('component', `${url}: cut short after ${received}${all} bytes`, {
    cause,
  });
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'path' in error;
}

/** A limit that is set anew at each sign of life, joined with the caller's signal. */
function patienceFor(signal: AbortSignal) {
  const own = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let ranOut: string | undefined;
  return {
    signal: AbortSignal.any([signal, own.signal]),
    wait(limitMs: number, what: string): void {
      clearTimeout(timer);
      timer = setTimeout(() => {
        ranOut = `${what} within ${formatDuration(limitMs)}`;
        own.abort();
      }, limitMs);
    },
    ranOut: () => ranOut,
    end(): void {
      clearTimeout(timer);
    },
  };
}

async function demandReachable(url: URL, limitMs: number, signal: AbortSignal): Promise<void> {
  const reason = unreachable.get(url.host) ?? (await tryToConnect(url, limitMs, signal));
  if (reason === undefined) return;
  unreachable.set(url.host, reason);
  throw new CoalmineError('component', `${url.host} cannot be reached (${reason})`);
}

/** Returns why no connection came about. `fetch` alone would try for ten seconds, for every single file. */
async function tryToConnect(
  url: URL,
  limitMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  signal.throwIfAborted();
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return await new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => {
      finish(`no connection within ${formatDuration(limitMs)}`);
    }, limitMs);
    const stop = (): void => {
      finish('stopped');
    };
    const finish = (reason: string | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      socket.destroy();
      if (signal.aborted) reject(signal.reason as Error);
      else resolve(reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.once('connect', () => {
      finish(undefined);
    });
    socket.on('error', (error) => {
      finish(messageOf(error));
    });
  });
}
