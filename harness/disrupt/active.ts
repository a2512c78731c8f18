/**
 * The faults of a run that are in force: journal → arm → inject → felt → undo → verify. There is one `ActiveFaults` for a
 * whole run: one for each phase would use ids twice, and a replay would take a live fault for an undone one.
 */
import type { RunClock } from '../core/clock.ts';
import type { Executor } from '../core/command.ts';
import { waitFor, within } from '../core/deadline.ts';
import { CoalmineError, messageOf } from '../core/errors.ts';
import type { EventOf, HistoryEvent } from '../core/history.ts';
import type { KubeApi } from '../core/kube.ts';
import { undoRecordSchema } from '../core/undo.ts';
import type { Fault, FaultParams, Felt } from './faults/fault.ts';
import {
  askFelt,
  askMeasured,
  FELT_WITHIN_MS,
  NOBODY_ANSWERED,
  SHOWN_LATER,
  untilWhole,
  type FaultyNode,
  type InForce,
} from './in-force.ts';
import { inject } from './inject.ts';
import type { JournalNote, UndoJournal } from './journal.ts';
import { tagOf } from './tag.ts';
import { undoThroughDoor, type DoorTo, type Unconfirmed } from './undo-door.ts';

const PREPARE_MS = 30_000;
const ARM_MS = 10_000;
/** What the way to the agent and back may take beyond the record's own limit. */
const AGENT_MARGIN_MS = 5_000;

export interface ActiveFaultsOptions {
  readonly runId: string;
  readonly journal: UndoJournal;
  readonly clock: RunClock;
  readonly kube: KubeApi;
  /** Where commands of the controller run. */
  readonly controller: Executor;
  readonly doorTo: DoorTo;
  /** How long `start` waits for the proof of effect; it is asked for once more before the undo. */
  readonly feltTimeoutMs?: number;
  readonly emit: (event: HistoryEvent) => void;
}

export interface StartedFault extends Felt {
  readonly id: string;
  /** Resolves when it has ended by itself; absent for what lasts until it is undone. */
  readonly over?: Promise<void>;
}

export class ActiveFaults {
  readonly #options: ActiveFaultsOptions;
  readonly #inForce: InForce[] = [];
  readonly #starting = new Set<Promise<unknown>>();
  readonly #closed = new AbortController();
  /** The first event that could not be written. */
  #untold: unknown;

  constructor(options: ActiveFaultsOptions) {
    this.#options = options;
  }

  /**
   * Puts a fault in force on one node, and asks for a few seconds whether it was felt. When this throws (`inject`, or the
   * reason of `signal`), what was done has been undone, or stays on the list for `undoAll`.
   */
  async start<P extends FaultParams>(
    fault: Fault<P>,
    params: P,
    on: FaultyNode,
    signal: AbortSignal,
  ): Promise<StartedFault> {
    const starting = this.#start(fault, params, on, AbortSignal.any([signal, this.#closed.signal]));
    this.#starting.add(starting);
    try {
      return await starting;
    } finally {
      this.#starting.delete(starting);
    }
  }

  /** Undoes one fault and confirms it. Returns what could not be confirmed; never throws; has deadlines of its own. */
  async undo(id: string): Promise<Unconfirmed | undefined> {
    const entry = this.#inForce.find(({ record }) => record.id === id);
    if (entry === undefined || entry.undone) return undefined;
    entry.undoing ??= this.#undo(entry).finally(() => {
      entry.undoing = undefined;
    });
    return entry.undoing;
  }

  /**
   * Undoes everything that is in force, last in first out, whatever fails on the way, and lets no new fault start. Takes
   * no signal: an interrupted run is the one that needs it most.
   */
  async undoAll(): Promise<Unconfirmed[]> {
    this.#closed.abort(new CoalmineError('inject', 'the run is ending: no new fault is started'));
    await Promise.allSettled(this.#starting);
    const unconfirmed: Unconfirmed[] = [];
    for (const { record } of this.#inForce.toReversed()) {
      const failed = await this.undo(record.id);
      if (failed !== undefined) unconfirmed.push(failed);
    }
    return unconfirmed;
  }

  async #start<P extends FaultParams>(
    fault: Fault<P>,
    params: P,
    on: FaultyNode,
    signal: AbortSignal,
  ): Promise<StartedFault> {
    signal.throwIfAborted();
    if (this.#untold !== undefined) {
      const cause = this.#untold;
      throw new CoalmineError('history', `the history cannot be written: ${messageOf(cause)}`, {
        cause,
      });
    }
    const { journal, runId, kube, controller } = this.#options;
    const id = journal.nextId();
    const target = { ...on, kube, controller, tag: tagOf(runId, id) };
    const prepared = await within(
      `${fault.name} on ${on.node.name} to be prepared`,
      PREPARE_MS,
      fault.prepare(params, target),
    );
    signal.throwIfAborted();
    const where = prepared.where === 'node' ? on.node.name : 'controller';
    const record = undoRecordSchema.parse({ id, fault: fault.name, where, ...prepared.undo });
    const entry: InForce = {
      record,
      prepared,
      on,
      injected: false,
      felt: undefined,
      feltSaid: false,
      undone: false,
      undoing: undefined,
    };
    journal.append({ state: 'armed', record });
    this.#inForce.push(entry);
    try {
      const felt = await this.#putInForce(entry, signal);
      const over = prepared.over?.();
      over?.catch(() => undefined); // the undo finds out whether it is over
      return { id, ...felt, ...(over === undefined ? {} : { over }) };
    } catch (error) {
      await this.undo(id);
      throw error;
    }
  }

  async #putInForce(entry: InForce, signal: AbortSignal): Promise<Felt> {
    const { record, prepared, on } = entry;
    this.#say(entry, 'armed');
    if (prepared.where === 'node') {
      await within(
        `${on.node.name} to hold the undo of ${record.id}`,
        ARM_MS,
        on.agent.arm(record),
      );
    }
    signal.throwIfAborted();
    const executor = prepared.where === 'node' ? on.agent : this.#options.controller;
    await inject(record, prepared.inject, executor, signal);
    entry.injected = true;
    this.#options.journal.append({ state: 'injected', id: record.id });
    this.#say(entry, 'injected', prepared.shows === undefined ? {} : { shows: prepared.shows });
    return this.#feltSoon(entry, signal);
  }

  async #feltSoon(entry: InForce, signal: AbortSignal): Promise<Felt> {
    if (entry.prepared.feltAfterwards === true) return SHOWN_LATER;
    const timeoutMs = this.#options.feltTimeoutMs ?? FELT_WITHIN_MS;
    const wait = { what: `${entry.record.id} to be felt`, timeoutMs, signal };
    try {
      return await waitFor(wait, async () => {
        const felt = await askFelt(entry);
        return felt.felt ? felt : undefined;
      });
    } catch {
      signal.throwIfAborted();
      return entry.felt ?? NOBODY_ANSWERED;
    }
  }

  async #undo(entry: InForce): Promise<Unconfirmed | undefined> {
    const { id, fault, where } = entry.record;
    // What an undo takes back must be asked for before it; what heals by itself may only be complete after it.
    if (entry.prepared.notWholeYet === undefined) await this.#feltAtLast(entry);
    try {
      await this.#takeBack(entry);
      await untilWhole(entry).finally(() => this.#feltAtLast(entry));
    } catch (error) {
      const detail = messageOf(error);
      this.#note({ state: 'undo-failed', id, detail });
      this.#say(entry, 'undo-failed', { detail });
      return { id, fault, where, detail };
    }
    entry.undone = true;
    this.#note({ state: 'undone', id });
    this.#say(entry, 'undone');
    const measured = this.#closed.signal.aborted ? undefined : await askMeasured(entry);
    if (measured !== undefined) this.#tell({ tMs: this.#options.clock.nowMs(), ...measured });
    return undefined;
  }

  /**
   * Says once for each fault whether it was felt, as late as possible: one that was felt at first and is not before its
   * undo ended too early (a lease ran out, a process was restarted), and then the run did not try what it claims.
   */
  async #feltAtLast(entry: InForce): Promise<void> {
    if (!entry.injected || entry.feltSaid) return;
    const before = entry.felt?.felt === true;
    const last = await askFelt(entry);
    const ended = before && !last.felt ? 'it was felt, but ended before its undo: ' : '';
    this.#sayFelt(entry, { felt: last.felt, evidence: ended + last.evidence });
  }

  /** The agent first, because it holds the record and its lease; then the door, because the agent may be gone or frozen. */
  async #takeBack({ record, prepared, on }: InForce): Promise<void> {
    if (prepared.where === 'controller') {
      await undoThroughDoor(record, this.#options.doorTo);
      return;
    }
    const steps = record.undo.length + record.restore.length + 2;
    try {
      await within(
        `the agent of ${record.where} to undo ${record.id}`,
        steps * record.timeoutMs + AGENT_MARGIN_MS,
        on.agent.undo(record.id),
      );
    } catch (error) {
      await undoThroughDoor(record, this.#options.doorTo).catch((second: unknown) => {
        throw new CoalmineError(
          'undo',
          `${messageOf(error)}; then, past the agent: ${messageOf(second)}`,
        );
      });
    }
  }

  /** A full disk must not keep an undo from happening: the entry is lost, which at worst means one more undo later. */
  #note(note: JournalNote): void {
    try {
      this.#options.journal.append(note);
    } catch (error) {
      const text = `the undo journal could not be written: ${messageOf(error)}`;
      this.#tell({ tMs: this.#options.clock.nowMs(), kind: 'note', text });
    }
  }

  /** Nor must a history that cannot be written; but then no new fault is started. */
  #tell(event: HistoryEvent): void {
    try {
      this.#options.emit(event);
    } catch (error) {
      this.#untold ??= error;
    }
  }

  #say(
    entry: InForce,
    state: EventOf<'fault'>['state'],
    more: Pick<EventOf<'fault'>, 'detail' | 'shows'> = {},
  ): void {
    const { id, fault } = entry.record;
    this.#tell({
      tMs: this.#options.clock.nowMs(),
      kind: 'fault',
      id,
      fault,
      node: entry.on.node.name,
      state,
      ...more,
    });
  }

  #sayFelt(entry: InForce, { felt, evidence }: Felt): void {
    entry.feltSaid = true;
    const { id, fault } = entry.record;
    this.#tell({
      tMs: this.#options.clock.nowMs(),
      kind: 'felt',
      id,
      disruption: fault,
      node: entry.on.node.name,
      felt,
      evidence,
    });
  }
}
