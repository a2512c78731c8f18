/** One phase: put the fault in force, upgrade or churn meanwhile, hold, undo. The undo is in the `finally`. */
import { setTimeout as delay } from 'node:timers/promises';
import { deadlineIn } from '../core/deadline.ts';
import { formatDuration } from '../core/duration.ts';
import { CoalmineError } from '../core/errors.ts';
import type { PluginUse } from '../core/plan.ts';
import type { ActiveFaults } from '../disrupt/active.ts';
import { FAULTS } from '../disrupt/faults/index.ts';
import type { Stage } from './context.ts';
import { selectNodes } from './nodes.ts';
import { runPhaseChurn } from './phase-churn.ts';
import { installedAtStart, runUpgrade } from './phase-upgrade.ts';

/** Runs every phase of the plan in order. Throws what a phase threw, after its faults were undone. */
export async function runPhases(stage: Stage, faults: ActiveFaults): Promise<void> {
  const installed = installedAtStart(stage);
  let upgrades = 0;
  const nextId = (): string => `u${(upgrades += 1)}`;
  for (const [index, phase] of stage.plan.phases.entries()) {
    stage.signal.throwIfAborted();
    stage.say(`phase ${phase.name} (${formatDuration(phase.forMs)})`);
    stage.emit.now({ kind: 'phase', phase: phase.name, state: 'started' });
    const end = deadlineIn(phase.forMs);
    const under = new PhaseFault(stage, faults);
    const fault = new PhaseFault(stage, faults);
    try {
      if (phase.under !== undefined) await under.start(phase.under);
      if (phase.fault !== undefined) await fault.start(phase.fault);
      if (phase.upgrade !== undefined) await runUpgrade(stage, phase.upgrade, installed, nextId);
      await runPhaseChurn(stage, index);
      await fault.lifted();
      await under.lifted();
      await delay(end.remainingMs(), undefined, { signal: stage.signal });
    } finally {
      await fault.undo();
      await under.undo();
      stage.emit.now({ kind: 'phase', phase: phase.name, state: 'ended' });
    }
  }
}

/** The fault of one phase on all nodes that it hits. */
class PhaseFault {
  readonly #stage: Stage;
  readonly #faults: ActiveFaults;
  readonly #ids: string[] = [];
  /** Those that end by themselves: each is undone at its own end, because the others' may be later. */
  readonly #over: Promise<void>[] = [];
  #lifting: Promise<void> = Promise.resolve();
  readonly #ended = new AbortController();

  constructor(stage: Stage, faults: ActiveFaults) {
    this.#stage = stage;
    this.#faults = faults;
  }

  /** Throws `inject` where it hits nothing or could not be put in force. */
  async start(use: PluginUse): Promise<void> {
    const { nodes, signal, say } = this.#stage;
    const fault = FAULTS.find(({ name }) => name === use.name);
    if (fault === undefined)
      throw new CoalmineError('usage', `there is no fault named ${use.name}`);
    const params = fault.params.parse(use.params);
    const targets = selectNodes(
      nodes.map(({ node }) => node),
      params.node,
    );
    if (targets.length === 0) {
      throw new CoalmineError(
        'inject',
        `${use.name}: no node of this cluster is \`${params.node}\``,
      );
    }
    const started = await Promise.allSettled(
      nodes
        .filter(({ node }) => targets.includes(node))
        .map(async (managed) => {
          const started = await this.#faults.start(fault, params, managed, signal);
          const { id, felt, evidence, over } = started;
          this.#ids.push(id);
          if (over !== undefined) this.#over.push(this.#liftWhenOver(id, over));
          say(
            `${fault.name} on ${managed.node.name}: ${felt ? 'felt' : 'not felt yet'}, ${evidence}`,
          );
        }),
    );
    const failed = started.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    if (this.#over.length > 0) this.#lifting = Promise.all(this.#over).then(() => undefined);
    else if (params.for !== undefined) this.#lifting = this.#liftAfter(params.for);
  }

  /** Resolves once the fault's own `for` has passed and it was undone; at once where it lasts as long as the phase. */
  lifted(): Promise<void> {
    return this.#lifting;
  }

  /** Never throws: what could not be confirmed is in the history, and `undoAll` tries once more at the end. */
  async undo(): Promise<void> {
    this.#ended.abort();
    await this.#lifting;
    for (const id of this.#ids.toReversed()) await this.#faults.undo(id);
  }

  async #liftWhenOver(id: string, over: Promise<void>): Promise<void> {
    const given = AbortSignal.any([this.#stage.signal, this.#ended.signal]);
    const givenUp = new Promise<void>((resolve) => {
      if (given.aborted) resolve();
      else
        given.addEventListener(
          'abort',
          () => {
            resolve();
          },
          { once: true },
        );
    });
    await Promise.race([over, givenUp]).catch(() => undefined);
    await this.#faults.undo(id);
  }

  async #liftAfter(ms: number): Promise<void> {
    await delay(ms, undefined, {
      signal: AbortSignal.any([this.#stage.signal, this.#ended.signal]),
    }).catch(() => undefined);
    for (const id of this.#ids.toReversed()) await this.#faults.undo(id);
  }
}
