/**
 * The two ways in which a machine stands still. Both are held by this process, because a command takes longer to start
 * than the precision that is wanted; the commands beside them are for the journal.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../../core/clock.ts';
import { waitFor } from '../../core/deadline.ts';
import { formatDuration } from '../../core/duration.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { FreezeHold, MachineFreeze, MachineFreezes } from '../../core/node.ts';
import { parseStat } from '../process-identity.ts';
import { monitorCommand, processCommand, type MachineHandle } from './machine-command.ts';
import { nextEvent, type Qmp } from './qmp.ts';

const EVENT_MS = 10_000;
/** How long the longest freeze may take to be ended by somebody else. */
const EVER_MS = 2_000_000_000;
const LOOK_EVERY_MS = 250;

export type FreezableMachine = MachineHandle & { readonly qmp: Qmp };

export function machineFreezes(machine: FreezableMachine): MachineFreezes {
  return { suspend: suspend(machine), stall: stall(machine) };
}

/** QMP stop and cont: the guest's clock stops too. It misses nothing, and is behind afterwards. */
function suspend(machine: FreezableMachine): MachineFreeze {
  return {
    stops: 'machine',
    shows: 'clock-jump',
    inject: monitorCommand(machine, 'suspend'),
    undo: monitorCommand(machine, 'resume'),
    verify: { command: monitorCommand(machine, 'is-running'), exitCode: 0 },
    hold: (forMs) => holdSuspended(machine, forMs),
  };
}

async function holdSuspended({ qmp, name }: FreezableMachine, forMs: number): Promise<FreezeHold> {
  const times: { stopped?: number; resumed?: number } = {};
  const event = (wanted: string, timeoutMs: number): Promise<unknown> =>
    nextEvent(qmp, (one) => one.event === wanted, { what: `${name} to say ${wanted}`, timeoutMs });
  const stopped = event('STOP', EVENT_MS).then(() => (times.stopped = monotonicMs()));
  stopped.catch(() => undefined);
  await qmp.execute('stop');
  const fromMs = await stopped;
  const resumed = event('RESUME', EVER_MS).then(() => (times.resumed = monotonicMs()));
  const letGo = async (): Promise<void> => {
    const stop = new AbortController();
    void resumed.then(
      () => {
        stop.abort();
      },
      () => {
        stop.abort();
      },
    );
    await sleepUntil(fromMs + forMs, stop.signal);
    // Somebody who undoes may have been faster.
    if (times.resumed === undefined) await qmp.execute('cont');
    await resumed;
  };
  return {
    over: heard(letGo()),
    proof: () => {
      const { stopped: from = fromMs, resumed: to } = times;
      const events =
        to === undefined ? 'STOP' : `STOP and ${formatDuration(to - from)} later RESUME`;
      return { felt: true, evidence: `QEMU of ${name} said ${events}; machine and clock stop` };
    },
  };
}

/** SIGSTOP and SIGCONT of QEMU, with all its threads: the guest's clock goes on, and it sees the gap. */
function stall(machine: FreezableMachine): MachineFreeze {
  return {
    stops: 'machine',
    shows: 'agent-gap',
    inject: processCommand(machine, 'stall'),
    undo: processCommand(machine, 'continue'),
    verify: { command: processCommand(machine, 'is-going'), exitCode: 0 },
    hold: (forMs) => holdStalled(machine, forMs),
  };
}

async function holdStalled(
  { name, process: { pid, startTicks } }: FreezableMachine,
  forMs: number,
): Promise<FreezeHold> {
  const state = (): string | undefined => stateOf(pid, startTicks);
  if (state() === undefined) throw new CoalmineError('inject', `QEMU of ${name} is gone`);
  const fromMs = monotonicMs();
  process.kill(pid, 'SIGSTOP');
  const wait = { what: `QEMU of ${name} to stop`, timeoutMs: EVENT_MS, everyMs: 1 };
  await waitFor(wait, () => Promise.resolve(state() === 'T' ? true : undefined));
  let toMs: number | undefined;
  const letGo = async (): Promise<void> => {
    const stop = new AbortController();
    // An undo may come first: then nothing is left to be done here.
    const look = setInterval(() => {
      if (state() !== 'T') stop.abort();
    }, LOOK_EVERY_MS);
    await sleepUntil(fromMs + forMs, stop.signal).finally(() => {
      clearInterval(look);
    });
    toMs = monotonicMs();
    if (state() === 'T') process.kill(pid, 'SIGCONT');
  };
  return {
    over: heard(letGo()),
    proof: () => ({
      felt: true,
      evidence: `QEMU of ${name} (pid ${pid}) was in state T${toMs === undefined ? '' : ` for ${formatDuration(toMs - fromMs)}`}; the machine stops`,
    }),
  };
}

/** Undefined where that process, and not only its number, is gone. */
function stateOf(pid: number, startTicks: string): string | undefined {
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return stat?.startTicks === startTicks ? stat.state : undefined;
  } catch {
    return undefined;
  }
}

/** The end of QEMU ends a freeze too; whoever waits hears of it, and nobody has to. */
function heard(over: Promise<void>): Promise<void> {
  over.catch(() => undefined);
  return over;
}

/** To the millisecond where this process is not kept from running. An abort ends it early, without an error. */
async function sleepUntil(untilMs: number, signal: AbortSignal): Promise<void> {
  await delay(Math.max(0, untilMs - monotonicMs()), undefined, { signal }).catch(() => undefined);
}
