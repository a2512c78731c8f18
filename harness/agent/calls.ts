/** The calls that wait for an answer of the agent, and what it sends under the id of a call that goes on. */
import { formatDuration } from '../core/duration.ts';
import { CoalmineError } from '../core/errors.ts';
import type { Call, Report } from './protocol.ts';

/** A report that belongs to a call. */
export type OwnReport = Extract<Report, { id: number }>;
type Answer = Extract<OwnReport, { type: 'done' | 'failed' | 'completed' | 'farewell' }>;
/** Distributes over the union, so that each call keeps its own fields. */
type WithoutId<C> = C extends Call ? Omit<C, 'id'> : never;
type NewCall = WithoutId<Call>;

export interface Calls {
  /** Sends a call; resolves with its answer, rejects with the agent's error, or `agent` after `timeoutMs`. */
  make(call: NewCall, options: CallOptions): Promise<Answer>;
  receive(report: OwnReport): void;
  /** Lets nothing more through under this id. */
  forget(id: number): void;
  /** From now on every call fails with `error`; those that wait do so now. */
  fail(error: CoalmineError): void;
}

interface CallOptions {
  timeoutMs: number;
  /** Gets what comes under the call's id besides its answer, from the first on. */
  onMore?: (report: OwnReport) => void;
  onId?: (id: number) => void;
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export function createCalls(node: string, send: (call: Call) => void): Calls {
  const waiting = new Map<number, Waiting>();
  const listeners = new Map<number, (report: OwnReport) => void>();
  let lastId = 0;
  let failure: CoalmineError | undefined;

  return {
    make: async (call, { timeoutMs, onMore, onId }) => {
      if (failure !== undefined) throw failure;
      const id = (lastId += 1);
      onId?.(id);
      if (onMore !== undefined) listeners.set(id, onMore);
      let timer: NodeJS.Timeout | undefined;
      try {
        return await new Promise<Answer>((resolve, reject) => {
          waiting.set(id, { resolve, reject });
          timer = setTimeout(() => {
            const limit = formatDuration(timeoutMs);
            const message = `the agent on ${node} did not answer ${call.type} within ${limit}`;
            reject(new CoalmineError('agent', message));
          }, timeoutMs);
          send({ ...call, id });
        });
      } catch (error) {
        listeners.delete(id);
        throw error;
      } finally {
        clearTimeout(timer);
        waiting.delete(id);
      }
    },
    receive: (report) => {
      const { id, type } = report;
      if (type === 'done' || type === 'completed' || type === 'farewell') {
        waiting.get(id)?.resolve(report);
      } else if (type === 'failed') {
        waiting.get(id)?.reject(new CoalmineError(report.code, `${node}: ${report.message}`));
      } else {
        listeners.get(id)?.(report);
        if (type === 'ended') listeners.delete(id);
      }
    },
    forget: (id) => {
      listeners.delete(id);
    },
    fail: (error) => {
      failure ??= error;
      for (const one of waiting.values()) one.reject(error);
      for (const [id, listener] of listeners) {
        listener({ type: 'ended', id, exitCode: null, signal: null });
      }
      listeners.clear();
    },
  };
}
