/** What a kind of load does; program.ts gives it its life: ready, intervals, end. */
import type { IntervalLine } from '../lines.ts';
import type { Tally } from './tally.ts';

export interface Work {
  /** Resolves with a word about the target after a first success; throws where there is none in time. Not counted. */
  warmUp(withinMs: number): Promise<string>;
  start(tally: Tally): void;
  /** No new requests from now on; those in flight go on. */
  stopSending(): void;
  /** Nothing is in flight any more. */
  isDrained(): boolean;
  /** Requests that were sent and will never be in a line, asked at the very end. */
  unfinished(): number;
  close(): void;
  /** Resolves with the reason if the work cannot go on, for example because its tool died. */
  readonly broken?: Promise<string>;
  flows?(): NonNullable<IntervalLine['flows']>;
}
