/**
 * A program of its own: `machine VERB NAME …`, what a journaled undo runs, perhaps in another process long after. Exits 0
 * where it is done or so; 1 with the reason where not. A machine that is gone has nothing left to undo: that is 0 too for
 * every verb that undoes or asks, and 1 for those that disturb.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import { waitFor } from '../../core/deadline.ts';
import { parseStat } from '../process-identity.ts';
import {
  MONITOR_VERBS,
  PROCESS_VERBS,
  type MonitorVerb,
  type ProcessVerb,
} from './machine-command.ts';
import { MONITOR_DEEDS } from './monitor-verbs.ts';
import { connectQmp } from './qmp.ts';

const DISTURBING: readonly string[] = ['suspend', 'stall', 'reset', 'power-off', 'detach'];
const CONNECT_MS = 5_000;
const STOP_MS = 5_000;

async function monitor(
  verb: MonitorVerb,
  name: string,
  socket: string,
  argument: string,
): Promise<boolean> {
  if (!(await isListening(socket))) return false;
  const qmp = await connectQmp(socket, name, CONNECT_MS);
  try {
    await MONITOR_DEEDS[verb](qmp, argument);
  } finally {
    qmp.close();
  }
  return true;
}

/** A socket without a listener is a machine that is gone, whatever else would be an error. */
async function isListening(socket: string): Promise<boolean> {
  const probe = connect(socket);
  try {
    await once(probe, 'connect');
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return false;
    throw error;
  } finally {
    probe.destroy();
  }
}

async function signal(verb: ProcessVerb, pid: number, startTicks: string): Promise<boolean> {
  const state = stateOf(pid, startTicks);
  if (state === undefined) return false;
  if (verb === 'continue') process.kill(pid, 'SIGCONT');
  if (verb === 'is-going' && state === 'T')
    throw new CoalmineError('command', 'it is stopped by a signal');
  if (verb !== 'stall') return true;
  process.kill(pid, 'SIGSTOP');
  const wait = { what: 'QEMU to stop', timeoutMs: STOP_MS, everyMs: 1 };
  await waitFor(wait, () => Promise.resolve(stateOf(pid, startTicks) === 'T' ? true : undefined));
  return true;
}

/** Undefined where that process, and not only its number, is gone. */
function stateOf(pid: number, startTicks: string): string | undefined {
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return stat?.startTicks === startTicks && stat.state !== 'Z' ? stat.state : undefined;
  } catch {
    return undefined;
  }
}

async function main([
  verb = '',
  name = '',
  where = '',
  what = '',
]: readonly string[]): Promise<void> {
  const isMonitor = MONITOR_VERBS.find((one) => one === verb);
  const isProcess = PROCESS_VERBS.find((one) => one === verb);
  const wasThere =
    isMonitor !== undefined
      ? await monitor(isMonitor, name, where, what)
      : isProcess !== undefined
        ? await signal(isProcess, Number(where), what)
        : undefined;
  if (wasThere === undefined) throw new CoalmineError('usage', `there is no verb ${verb}`);
  if (!wasThere && DISTURBING.includes(verb))
    throw new CoalmineError('command', 'the machine is gone');
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`machine ${process.argv.slice(2, 4).join(' ')}: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
