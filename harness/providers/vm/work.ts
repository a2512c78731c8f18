/** What the steps of one provisioning share. */
import type { Unwind } from '../../core/unwind.ts';
import type { ProvisionContext } from '../provider.ts';
import type { Prepared } from './prepare.ts';

export interface Work {
  readonly context: ProvisionContext;
  readonly prepared: Prepared;
  /** Of the run's own, for keys, sockets and disks. */
  readonly folder: string;
  /** Of the nodes. */
  readonly names: readonly string[];
  readonly unwind: Unwind;
  /** Aborts with the run, and with the first reason for which this cluster cannot be. */
  readonly signal: AbortSignal;
  /** Aborts with that reason alone, also when the cluster is there. */
  readonly broken: AbortSignal;
  readonly giveUp: (reason: unknown) => void;
}

/** Waits for all; where one fails the others are told to end, and what failed first is thrown once they have. */
export async function allOf<T extends readonly Promise<unknown>[]>(
  { signal, giveUp }: Pick<Work, 'signal' | 'giveUp'>,
  jobs: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  for (const job of jobs) job.catch(giveUp);
  const settled = await Promise.allSettled(jobs);
  if (settled.some(({ status }) => status === 'rejected')) throw signal.reason as Error;
  return Promise.all(jobs);
}
