/**
 * Takes away what runs left, from labels, names and recorded states alone: no run directory is needed. What belongs to
 * a living run is not touched unless it is asked for. Done twice, the second time finds nothing.
 */
import { messageOf } from '../core/errors.ts';
import { findDockerLeftovers } from './kind/leftovers-docker.ts';
import { findSlotLeftovers } from './kind/leftovers-slots.ts';
import { describeLeftover, LEFTOVER_KINDS, type Leftover, type LeftoverName } from './leftover.ts';
import { findHostLeftovers } from './leftovers-host.ts';
import { readRunStates, type RunState } from './run-state.ts';

export interface CleanOptions {
  cacheDir: string;
  /** Only this run; every run where absent. */
  runId?: string;
  /** Also what belongs to runs whose controller is alive; ends them. */
  all?: boolean;
  dryRun?: boolean;
  /** `runId` is the caller's own run, which it declares over. */
  own?: boolean;
  say: (line: string) => void;
}

export interface CleanResult {
  /** What was removed; with `dryRun`, what would be. */
  readonly removed: readonly LeftoverName[];
  /** What should be gone and is not, with the reason; not empty = dirty. */
  readonly kept: readonly { leftover: LeftoverName; why: string }[];
  /** What belongs to living runs and was therefore not touched. */
  readonly alive: readonly LeftoverName[];
}

export async function cleanRun(options: CleanOptions): Promise<CleanResult> {
  const { found, unreachable } = await find(options);
  const wanted = found.filter(({ runId }) => isWanted(options, runId));
  // A slot bears no run's name: one that is in use belongs to another living run, whoever asks.
  const mayEnd = ({ runId }: Leftover): boolean =>
    runId !== undefined && (options.all === true || options.own === true);
  const removed: LeftoverName[] = [];
  const kept: { leftover: LeftoverName; why: string }[] = [];
  for (const leftover of inOrder(wanted.filter((one) => !one.alive || mayEnd(one)))) {
    const why = whyRemember(leftover, unreachable, kept);
    if (why !== undefined) {
      kept.push({ leftover: nameOf(leftover), why });
      continue;
    }
    try {
      if (options.dryRun !== true) await leftover.remove();
      removed.push(nameOf(leftover));
    } catch (error) {
      kept.push({ leftover: nameOf(leftover), why: messageOf(error) });
      options.say(`could not remove ${describeLeftover(leftover)}: ${messageOf(error)}`);
    }
  }
  const alive = wanted.filter((one) => one.alive && !mayEnd(one)).map(nameOf);
  return { removed, kept, alive };
}

/** What `doctor` shows: everything that dead runs left, without touching it. */
export async function findLeftovers(cacheDir: string): Promise<readonly LeftoverName[]> {
  return (await cleanRun({ cacheDir, dryRun: true, say: () => undefined })).removed;
}

async function find(options: CleanOptions) {
  const { cacheDir, runId, own } = options;
  const states = await readRunStates(cacheDir);
  const mine = states.find((state) => state.runId === runId);
  // The outer process of a private engine need not ask the user's, which does not answer.
  const privateOnly = own === true && mine?.engineEnv === undefined;
  const docker = privateOnly
    ? { leftovers: [], unreachable: [] }
    : await findDockerLeftovers(states);
  return {
    found: [
      ...(await findHostLeftovers(cacheDir, states)),
      ...docker.leftovers,
      ...(await findSlotLeftovers(cacheDir)),
    ],
    unreachable: docker.unreachable,
  };
}

/** What cannot say whose it is counts for a person who cleans, not for a run that ends while others live. */
function isWanted(options: CleanOptions, runId: string | undefined): boolean {
  if (options.runId === undefined || runId === options.runId) return true;
  return runId === undefined && options.own !== true;
}

function inOrder(leftovers: readonly Leftover[]): Leftover[] {
  return leftovers.toSorted(
    (a, b) => LEFTOVER_KINDS.indexOf(a.kind) - LEFTOVER_KINDS.indexOf(b.kind),
  );
}

/** The memory of a run must outlive what it remembers, or a later `clean` could not know the run as dead. */
function whyRemember(
  leftover: Leftover,
  unreachable: readonly RunState[],
  kept: CleanResult['kept'],
): string | undefined {
  if (leftover.kind !== 'state' && leftover.kind !== 'folder') return undefined;
  if (unreachable.some(({ runId }) => runId === leftover.runId))
    return 'the Docker engine of its run does not answer';
  const held = kept.find(
    (other) => other.leftover.runId === leftover.runId && other.leftover.kind !== 'folder',
  );
  return held === undefined ? undefined : `${describeLeftover(held.leftover)} is still there`;
}

function nameOf({ kind, name, runId }: Leftover): LeftoverName {
  return { kind, name, ...(runId === undefined ? {} : { runId }) };
}
