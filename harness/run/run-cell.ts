/**
 * One run from top to bottom: provision, agents, workload, oracle, probes, load, phases, and everything back in reverse
 * order. What happens goes into the run directory; what it means is decided later, from the files alone (judge-run.ts).
 */
import path from 'node:path';
import { startRunClock } from '../core/clock.ts';
import { adviceOf, CoalmineError, messageOf } from '../core/errors.ts';
import type { EventOf, HistoryEvent } from '../core/history.ts';
import type { Plan } from '../core/plan.ts';
import { Unwind } from '../core/unwind.ts';
import { ActiveFaults } from '../disrupt/active.ts';
import { local } from '../exec/local.ts';
import type { Cluster, Provider } from '../providers/provider.ts';
import type { Recorder } from '../record/run-directory.ts';
import { connectNodes } from './connect-nodes.ts';
import type { Emit, Stage } from './context.ts';
import { snapshotNodes } from './node-state.ts';
import { runPhases } from './phase.ts';
import type { Progress } from './progress.ts';
import { openRunJournal } from './run-journal.ts';
import { startWatching } from './start-watching.ts';
import { workloadOf } from './start-workload.ts';
import { traceNodes } from './trace-nodes.ts';
import { undoDoors } from './undo-doors.ts';

export interface CellDeps {
  readonly provider: Provider;
  readonly recorder: Recorder;
  readonly progress: Progress;
  /** Aborts when the user interrupts; undo and teardown never listen to it. */
  readonly signal: AbortSignal;
  readonly interrupted: () => 'SIGINT' | 'SIGTERM' | undefined;
  /** Whether the cluster stays: asked when all else is taken back and its logs are here, with how the run will have ended. */
  readonly keep: (end: EventOf<'run'>) => boolean;
}

/** How a run went; what it showed is another question. */
export interface CellEnd {
  /** What stopped the run before its end, if anything did. */
  readonly error?: unknown;
  /** The cluster is still there, because `keep` said so. */
  readonly kept: boolean;
  /** What the files of the run do not have, because their disk was full; empty where they have all. */
  readonly lost: readonly HistoryEvent[];
}

/**
 * Never throws: whatever happened is in the history, or in what is returned where the disk refused it, and everything that
 * was made has been taken back, or is kept.
 */
export async function runCell(plan: Plan, deps: CellDeps): Promise<CellEnd> {
  const { recorder, progress } = deps;
  const clock = startRunClock();
  const emit: Emit = {
    now: (event) => {
      emit.at({ tMs: clock.nowMs(), ...event });
    },
    at: (event) => {
      recorder.event(event);
      progress.event(event);
    },
  };
  emit.now({ kind: 'run', state: 'started', detail: clock.startedAt });
  for (const text of plan.notes) emit.now({ kind: 'note', text });
  const unwind = new Unwind();
  const reached: Reached = { phases: false };
  let error: unknown;
  const stopFor = (reason: unknown): void => {
    error = reason;
    progress.say(`stopping: ${adviceOf(reason)}`);
  };
  // What goes wrong because the disk is full says only that it did.
  const heedDisk = (): void => {
    const { broken } = recorder;
    if (broken.aborted && error !== broken.reason) stopFor(broken.reason);
  };
  try {
    await perform(plan, deps, { clock, emit }, unwind, reached);
  } catch (caught) {
    // What is interrupted because the cluster broke says only that it was.
    const { broken } = reached.cluster ?? {};
    if (!recorder.broken.aborted) stopFor(broken?.aborted === true ? broken.reason : caught);
  }
  heedDisk();
  for (const failure of await unwind.run()) {
    emit.now({ kind: 'residue', where: failure.title, what: messageOf(failure.error) });
  }
  heedDisk();
  const signal = deps.interrupted();
  const isBroken = () => recorder.broken.aborted || reached.cluster?.broken?.aborted === true;
  const end = () => ({ tMs: clock.nowMs(), ...endOf(error, reached.phases, isBroken(), signal) });
  const kept = await leaveCluster(plan, reached.cluster, end(), deps, emit);
  heedDisk();
  emit.at(end());
  recorder.close();
  heedDisk();
  const lost = recorder.broken.aborted ? [...recorder.lost, end()] : [];
  return { kept, lost, ...(error === undefined ? {} : { error }) };
}

interface Reached {
  cluster?: Cluster;
  phases: boolean;
}

/** Returns whether it stays. Its fate comes last: what the run showed decides it, and that is known only now. */
async function leaveCluster(
  { runId }: Plan,
  cluster: Cluster | undefined,
  end: EventOf<'run'>,
  { keep, progress }: CellDeps,
  emit: Emit,
): Promise<boolean> {
  if (cluster === undefined) return false;
  try {
    await cluster.collectLogs();
    if (!keep(end)) {
      await cluster.destroy();
      return false;
    }
    const text = `the cluster is kept: KUBECONFIG=${cluster.kubeconfig}; \`coalmine clean ${runId}\` removes it`;
    emit.now({ kind: 'note', text });
    progress.say(text);
    return true;
  } catch (error) {
    emit.now({ kind: 'residue', where: 'cluster', what: messageOf(error) });
    return false;
  }
}

/**
 * A disruption that the cluster did not take, or an upgrade that did not come up, is a finding and no crash: the checkers
 * say what it means. Before the phases it means that there is no cluster to judge, and where something that the run stands
 * on is broken, that it shows nothing.
 */
function endOf(
  error: unknown,
  phases: boolean,
  broken: boolean,
  signal: 'SIGINT' | 'SIGTERM' | undefined,
) {
  if (error === undefined) return { kind: 'run', state: 'ended' } as const;
  // The whole of it, kubelet's last words and all, was said when it happened and is in the logs.
  const detail = messageOf(error).split('\n')[0] ?? '';
  if (signal !== undefined) return { kind: 'run', state: 'interrupted', signal, detail } as const;
  const foreseen = error instanceof CoalmineError;
  if (foreseen && phases && !broken) return { kind: 'run', state: 'ended', detail } as const;
  return { kind: 'run', state: 'crashed', exitCode: foreseen ? 4 : 6, detail } as const;
}

async function perform(
  plan: Plan,
  { provider, recorder, progress, ...deps }: CellDeps,
  { clock, emit }: Pick<Stage, 'clock' | 'emit'>,
  unwind: Unwind,
  reached: Reached,
): Promise<void> {
  const { say } = progress;
  const logsDir = path.join(recorder.dir, 'logs');
  // A run that can no longer be recorded ends as an interruption would end it, with that as the reason.
  const stop = AbortSignal.any([deps.signal, recorder.broken]);
  stop.throwIfAborted();
  const cluster = await provider.provision({
    ...{ plan, clock, logsDir, say, signal: stop },
    workload: (image) => workloadOf(plan, image),
  });
  reached.cluster = cluster;
  // So does a cluster of which a part has died.
  const signal = AbortSignal.any([stop, ...(cluster.broken ? [cluster.broken] : [])]);
  const nodes = await connectNodes({ plan, cluster, clock, emit, signal }, unwind);
  const stage: Stage = { plan, clock, emit, cluster, nodes, signal, say };

  // Of what comes until the first fault, nothing is compared (node-state.ts).
  const compareLater = snapshotNodes(stage, recorder);
  unwind.push('node state', async () => (await compareLater)());
  await cluster.ready;
  const [{ oracle, loads }] = await Promise.all([
    startWatching(stage, recorder.sample, unwind),
    compareLater,
  ]);
  const journal = openRunJournal(recorder);
  unwind.push('journal', () => {
    journal.close();
  });
  const faults = new ActiveFaults({
    runId: plan.runId,
    journal,
    clock,
    kube: cluster.kube,
    controller: local,
    doorTo: undoDoors(nodes),
    emit: emit.at,
  });
  unwind.push('undo', async () => {
    const left = await faults.undoAll();
    if (left.length > 0) {
      throw new CoalmineError(
        'undo',
        left.map(({ fault, where, detail }) => `${fault} on ${where}: ${detail}`).join('; '),
      );
    }
  });
  const traced = await traceNodes(stage, faults, recorder.sample, unwind);
  reached.phases = true;
  await runPhases({ ...stage, nodes: traced }, faults);
  await loads.stop();
  await oracle.stop();
}
