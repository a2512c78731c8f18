/**
 * Ctrl+C, done carefully. The first signal stops the load, undoes, writes reports; a second one skips the reports and
 * only undoes. npm and a terminal both forward the signal, so a double within one second counts once. A closed terminal
 * (SIGHUP) counts as SIGTERM, and what can no longer be printed on it stops nothing.
 */
import { monotonicMs } from '../core/clock.ts';
import { CoalmineError } from '../core/errors.ts';
import { explain } from './explain.ts';
import { letGoOfLostTerminal } from './lost-terminal.ts';

const DOUBLE_MS = 1_000;

export interface Interruption {
  /** Aborts at the first signal. Undo never listens to it. */
  readonly signal: AbortSignal;
  /** Aborts at the second one: no reports. */
  readonly impatient: AbortSignal;
  /** Undefined where nobody interrupted. */
  caught(): 'SIGINT' | 'SIGTERM' | undefined;
  /** Another process of ours tells the user from now on; this one only listens. */
  hush(): void;
  /** Calls back for each signal that counts, until the returned function is called. */
  subscribe(listener: (signal: 'SIGINT' | 'SIGTERM') => void): () => void;
}

const FIRST = 'stopping the load, undoing, writing reports; once more to skip the reports';

/** The only place that listens to the process. `whatNow` tells the user what the first signal does. */
export function watchSignals(talk: (line: string) => void, whatNow = FIRST): Interruption {
  let hushed = false;
  const say = (line: string): void => {
    if (!hushed) talk(line);
  };
  const first = new AbortController();
  const second = new AbortController();
  let interruptedBy: 'SIGINT' | 'SIGTERM' | undefined;
  const listeners = new Set<(signal: 'SIGINT' | 'SIGTERM') => void>();
  let lastMs = Number.NEGATIVE_INFINITY;
  const caught = (name: 'SIGINT' | 'SIGTERM'): void => {
    const nowMs = monotonicMs();
    const double = nowMs - lastMs < DOUBLE_MS;
    lastMs = nowMs;
    if (double) return;
    for (const listener of listeners) listener(name);
    if (interruptedBy === undefined) {
      interruptedBy = name;
      say(`${name}: ${whatNow}`);
      first.abort(new Error(`interrupted by ${name}`));
    } else {
      say(`${name} again: only undoing`);
      second.abort(new Error(`interrupted twice, by ${name}`));
    }
  };
  process.on('SIGINT', () => {
    caught('SIGINT');
  });
  process.on('SIGTERM', () => {
    caught('SIGTERM');
  });
  process.on('SIGHUP', () => {
    letGoOfLostTerminal();
    caught('SIGTERM');
  });
  for (const stream of [process.stdout, process.stderr]) stream.on('error', letGoOfLostTerminal);
  return {
    signal: first.signal,
    impatient: second.signal,
    caught: () => interruptedBy,
    hush: () => {
      hushed = true;
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * Does what the user may interrupt. What is thrown because of that is no error of coalmine's: the exit code says it. An
 * undo that failed, or wrong code, is thrown on.
 */
export async function interruptible(
  { signal, caught }: Pick<Interruption, 'signal' | 'caught'>,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const name = caught();
    if (name === undefined) throw error;
    const stopped = error === signal.reason || (error as Error).name === 'AbortError';
    if (!stopped) {
      if (!(error instanceof CoalmineError) || error.code === 'undo') throw error;
      process.stderr.write(`${explain(error)}\n`);
    }
    process.exitCode = name === 'SIGINT' ? 130 : 143;
  }
}
