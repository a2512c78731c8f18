/** One fault that is, or may be, in force, and the questions about it that never fail. */
import { waitFor, within } from '../core/deadline.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';
import type { EventOf, HistoryEvent } from '../core/history.ts';
import type { NodeAgent, NodeInfo, RestartBy } from '../core/node.ts';
import type { UndoRecord } from '../core/undo.ts';
import type { Felt, PreparedFault, Standstill } from './faults/fault.ts';
import type { Unconfirmed } from './undo-door.ts';

export const FELT_WITHIN_MS = 5_000;
const MEASURED_WITHIN_MS = 20_000;
const NOTHING = Promise.resolve(undefined);

type Untimed<K extends HistoryEvent['kind']> = Omit<EventOf<K>, 'tMs'>;

export interface FaultyNode {
  readonly node: NodeInfo;
  readonly agent: NodeAgent;
  readonly restartBy?: RestartBy;
  readonly standstill?: Standstill;
}

export interface InForce {
  readonly record: UndoRecord;
  readonly prepared: PreparedFault;
  readonly on: FaultyNode;
  injected: boolean;
  /** The last answer to whether it was felt; a question that failed is no answer. */
  felt: Felt | undefined;
  feltSaid: boolean;
  undone: boolean;
  undoing: Promise<Unconfirmed | undefined> | undefined;
}

export const NOBODY_ANSWERED: Felt = { felt: false, evidence: 'nobody could say' };

export const SHOWN_LATER: Felt = { felt: false, evidence: 'the node shows it when it is back' };

/** Returns the answer of now, or where the question fails, the last one that there was. */
export async function askFelt(entry: InForce): Promise<Felt> {
  const { record, prepared } = entry;
  const what = `${record.id} to say whether it was felt`;
  try {
    entry.felt = await within(what, FELT_WITHIN_MS, prepared.felt());
  } catch (error) {
    const evidence = `${NOBODY_ANSWERED.evidence}: ${messageOf(error)}`;
    entry.felt ??= { felt: false, evidence };
  }
  return entry.felt;
}

/** What is to be told of how long the machine stood still; a question that fails is told as a note. */
export async function askMeasured({
  record,
  prepared,
  on,
}: InForce): Promise<Untimed<'standstill'> | Untimed<'note'> | undefined> {
  const what = `${on.node.name} to say how long it stood still`;
  try {
    const measured = await within(what, MEASURED_WITHIN_MS, prepared.measured?.() ?? NOTHING);
    return measured && { kind: 'standstill', id: record.id, node: on.node.name, ...measured };
  } catch (error) {
    return { kind: 'note', text: messageOf(error) };
  }
}

/** Waits for what a cluster heals by itself. Throws `undo` where it does not. */
export async function untilWhole({ record, prepared }: InForce): Promise<void> {
  if (prepared.notWholeYet === undefined) return;
  let missing: string | undefined;
  const wait = { what: `all to be whole after ${record.fault}`, timeoutMs: record.timeoutMs };
  await waitFor(wait, async () => {
    missing = await prepared.notWholeYet?.();
    return missing === undefined ? true : undefined;
  }).catch((error: unknown) => {
    throw new CoalmineError(
      'undo',
      `${messageOf(error)}${missing === undefined ? '' : ` (${missing})`}`,
    );
  });
}
