/**
 * A machine as three files: its memory, its devices, and what was written to its disk. QEMU's own migration writes the
 * second, to a file instead of another QEMU; the others are consistent with it, because the machine stands still meanwhile.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { deadlineIn, waitFor } from '../../core/deadline.ts';
import { formatDuration } from '../../core/duration.ts';
import { CoalmineError } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import { copyMemory, MEMORY_CAPABILITIES } from './machine-memory.ts';
import type { MachinePorts } from './machine-ports.ts';
import { runState } from './monitor-verbs.ts';
import type { Qmp } from './qmp.ts';

export interface SavedMachine {
  /** As large as the machine's memory, with holes. */
  readonly memory: string;
  readonly devices: string;
  /** Backed by the shared root disk. */
  readonly overlay: string;
}

/** One step after the other; machines that are saved together take each step together. */
export interface MachineSaving {
  /**
   * Nothing is about to happen on it then, and on both ports there is an agent that has heard nothing yet: the provider's
   * hand must let go of its own by `letGo`.
   */
  settle(letGo: () => void): Promise<void>;
  stop(): Promise<void>;
  /** Of a machine that stands still. */
  write(saved: SavedMachine, signal: AbortSignal): Promise<void>;
  go(): Promise<void>;
}

const SAVE_MS = 120_000;
/** They are a megabyte. */
const READ_MS = 60_000;
const READ_STEP_MS = 5;
const WRITE_STEP_MS = 20;
const REST_MS = 15_000;
const REST_STEP_MS = 250;
/** Of one processor: agents tick, timers fire, probes are answered. */
const REST_SHARE = 0.4;

export function savedIn(folder: string, name: string): SavedMachine {
  return {
    memory: path.join(folder, `${name}.memory`),
    devices: path.join(folder, `${name}.devices`),
    overlay: path.join(folder, `${name}.overlay`),
  };
}

interface Saving {
  name: string;
  /** QEMU's. */
  pid: number;
  qmp: Qmp;
  /** Of a machine whose memory is a file; no other can be saved. */
  memory: string | undefined;
  overlay: string;
  rootDisk: string;
  ports: Pick<MachinePorts, 'renew' | 'hold'>;
}

export function machineSaving(machine: Saving): MachineSaving {
  const { name, qmp, memory, overlay, rootDisk, ports } = machine;
  return {
    settle: async (letGo) => {
      await ports.renew('hand', letGo);
      await ports.hold('hand');
      await ports.hold('agent');
      await waitForRest(machine);
    },
    stop: async () => {
      await qmp.execute('stop');
    },
    write: async (saved, signal) => {
      if (memory === undefined)
        throw new CoalmineError('command', `the memory of ${name} is in no file`);
      await qmp.execute('migrate-set-capabilities', MEMORY_CAPABILITIES);
      await qmp.execute('migrate', { uri: fileUri(saved.devices) });
      await waitUntilWritten(name, qmp, signal);
      await copyMemory(memory, saved.memory, signal);
      // QEMU has let go of its disks now, and written what it kept of them in memory.
      const argv = mergeArgv({ overlay, rootDisk, into: saved.overlay });
      await runOrThrow(local, { argv }, { timeoutMs: SAVE_MS, signal });
    },
    go: async () => {
      await qmp.execute('cont');
    },
  };
}

/** What is about to be started when it is saved would have to be started each time; but it is no error. */
async function waitForRest({ name, pid, qmp }: Saving): Promise<void> {
  const cpus = (await qmp.execute('query-cpus-fast')) as { 'thread-id': number }[];
  const busyMs = async (): Promise<number> => {
    const each = cpus.map((cpu) => busyOf(`/proc/${pid}/task/${cpu['thread-id']}/schedstat`));
    return (await Promise.all(each)).reduce((sum, ms) => sum + ms, 0);
  };
  let before: number | undefined;
  const wait = { what: `${name} to come to rest`, timeoutMs: REST_MS, everyMs: REST_STEP_MS };
  await waitFor(wait, async () => {
    const now = await busyMs();
    const isAtRest = before !== undefined && now - before < REST_STEP_MS * REST_SHARE;
    before = now;
    return isAtRest ? true : undefined;
  }).catch(() => undefined);
}

/** Time on a processor, and in the queue for one: a busy host does not make a guest idle. */
async function busyOf(schedstat: string): Promise<number> {
  const [ranNs = 0, waitedNs = 0] = (await readFile(schedstat, 'utf8')).split(' ').map(Number);
  return (ranNs + waitedNs) / 1e6;
}

/** A QEMU that ends meanwhile is an error at once. */
async function waitUntilWritten(name: string, qmp: Qmp, signal: AbortSignal): Promise<void> {
  const deadline = deadlineIn(SAVE_MS);
  for (;;) {
    const found = (await qmp.execute('query-migrate')) as Record<string, unknown>;
    if (found['status'] === 'completed') return;
    const why = found['error-desc'];
    const text = `QEMU could not save ${name}`;
    if (found['status'] === 'failed')
      throw new CoalmineError('command', typeof why === 'string' ? `${text}: ${why}` : text);
    if (deadline.remainingMs() === 0)
      throw new CoalmineError('deadline', `${text} within ${formatDuration(SAVE_MS)}`);
    await delay(WRITE_STEP_MS, undefined, { signal });
  }
}

/** QEMU waits for the rest then, to which it is told what to expect. */
export const CONTINUE_ARGV = ['-incoming', 'defer'];

/** Of a QEMU that waits: its devices become what was saved, and it stands still. One that cannot read them ends. */
export async function readDevices(qmp: Qmp, { devices }: SavedMachine): Promise<void> {
  await qmp.execute('migrate-set-capabilities', MEMORY_CAPABILITIES);
  await qmp.execute('migrate-incoming', { uri: fileUri(devices) });
  const deadline = deadlineIn(READ_MS);
  while ((await runState(qmp)) === 'inmigrate') {
    if (deadline.remainingMs() === 0)
      throw new CoalmineError('deadline', `QEMU did not read ${devices} within its limit`);
    await delay(READ_STEP_MS);
  }
}

export function overlayArgv(
  overlay: string,
  backing: string,
  format: 'raw' | 'qcow2',
): readonly [string, ...string[]] {
  return ['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', backing, '-F', format, overlay];
}

/** Whatever the overlay itself is made of, the copy needs the root disk only. */
function mergeArgv(disks: {
  overlay: string;
  rootDisk: string;
  into: string;
}): readonly [string, ...string[]] {
  const { overlay, rootDisk, into } = disks;
  return ['qemu-img', 'convert', '-O', 'qcow2', '-B', rootDisk, '-F', 'raw', overlay, into];
}

function fileUri(file: string): string {
  return `file:${file}`;
}
