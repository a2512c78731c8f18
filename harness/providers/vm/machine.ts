/**
 * One node that is a machine: QEMU, the streams to its agents, its console, and what a cloud does to machines. Whatever
 * goes wrong with it is told with QEMU's own words and the last lines of the console.
 */
import { open, readFile } from 'node:fs/promises';
import type { VmImage } from '../../components/image/vm-image.ts';
import type { Program } from '../../components/bundle.ts';
import { waitFor } from '../../core/deadline.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { MachineFreezes, MachineNic, MachinePower } from '../../core/node.ts';
import { local, startLocal, type LocalProcess } from '../../exec/local.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { AgentProcess } from '../provider.ts';
import { identifyProcess } from '../process-identity.ts';
import type { Accel } from './accel.ts';
import { machineFreezes } from './freezes.ts';
import { runState } from './monitor-verbs.ts';
import { machinePorts, type MachinePorts } from './machine-ports.ts';
import type { MachineMemory } from './machine-memory.ts';
import {
  CONTINUE_ARGV,
  machineSaving,
  overlayArgv,
  readDevices,
  type MachineSaving,
  type SavedMachine,
} from './machine-save.ts';
import { machineNics } from './nics.ts';
import { machinePower } from './power.ts';
import type { VmNetwork } from './network.ts';
import { machineFiles, qemuArgv, type MachineFiles } from './qemu.ts';
import { connectQmp, type Qmp } from './qmp.ts';

export interface MachineSpec {
  readonly name: string;
  /** From 0; decides addresses, MACs and names of taps. */
  readonly index: number;
  readonly runId: string;
  /** Its own: sockets, overlay, console. Must exist. */
  readonly folder: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly testNics: number;
  /** Queue pairs of each test NIC. */
  readonly queues: number;
  readonly image: VmImage;
}

export type PortName = 'agent' | 'hand';

export interface Machine {
  readonly spec: MachineSpec;
  /** QEMU's. */
  readonly pid: number;
  /** The stream to an agent; the one before on the same port must have ended. Its first answer may take as long as a boot. */
  openPort(port: PortName): Promise<AgentProcess>;
  /** The last lines of the console, without what only a terminal understands. */
  consoleTail(): Promise<string>;
  /** Resolves when QEMU has ended, however that came: why, with the last lines of QEMU and console. */
  readonly died: Promise<string>;
  readonly freezes: MachineFreezes;
  readonly nics: readonly MachineNic[];
  readonly power: MachinePower;
  readonly saving: MachineSaving;
  /** Ends QEMU for good; idempotent. */
  kill(): Promise<void>;
}

export interface MachineDeps {
  readonly network: VmNetwork;
  readonly accel: Accel;
  /** The bundled program `machine`: what commands of the undo journal run. */
  readonly program: Program;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Where the memory of one that may be saved lies. */
  readonly memory?: MachineMemory;
}

const START_MS = 20_000;
const TAIL_LINES = 15;
const TAIL_BYTES = 16_384;

/**
 * Starts QEMU and returns as soon as its processors run: the guest is then about to boot. One that goes on where one of the
 * same hardware was saved, whose files must stay as long as it runs, stands still until `saving.go`.
 */
export async function startMachine(
  spec: MachineSpec,
  deps: MachineDeps,
  saved?: SavedMachine,
): Promise<Machine> {
  deps.signal.throwIfAborted();
  const files = machineFiles(spec);
  await deps.network.addNode(spec);
  await makeOverlay(spec, files, saved);
  const memory: MachineMemory | undefined =
    saved === undefined ? deps.memory : { file: saved.memory, as: 'continued' };
  const argv = qemuArgv(spec, deps.accel.kind, memory);
  const qemu = startLocal({ argv: saved === undefined ? argv : [...argv, ...CONTINUE_ARGV] });
  const life = followLife(spec, files, qemu);
  try {
    const first = saved === undefined ? 'running' : 'inmigrate';
    const qmp = await reachMonitor(spec, files, life, { signal: deps.signal, first });
    if (saved !== undefined) await orItsDeath(life, deps.signal, readDevices(qmp, saved));
    life.watch(qmp, deps.say);
    const ports = machinePorts({ name: spec.name, paths: files.ports, qmp, life });
    if (saved !== undefined) {
      // Its agents would end if the machine saw that nobody is there.
      await Promise.all([ports.hold('hand'), ports.hold('agent')]);
    }
    return assemble(spec, deps, files, { qemu, qmp, life, ports });
  } catch (error) {
    await life.kill();
    throw error;
  }
}

function assemble(
  spec: MachineSpec,
  { program, memory }: MachineDeps,
  files: MachineFiles,
  { qemu, qmp, life, ports }: { qemu: LocalProcess; qmp: Qmp; life: Life; ports: MachinePorts },
): Machine {
  const identity = identifyProcess(qemu.pid);
  if (identity === undefined) throw new CoalmineError('provision', `QEMU of ${spec.name} is gone`);
  const doing = {
    name: spec.name,
    qmp,
    process: identity,
    program: program.path,
    socket: files.commands,
  };
  return {
    spec,
    pid: qemu.pid,
    openPort: (port) => ports.open(port),
    consoleTail: () => tailOf(files.console),
    died: life.died,
    freezes: machineFreezes(doing),
    nics: machineNics(spec, doing),
    power: machinePower(doing),
    saving: machineSaving({
      ...{ name: spec.name, pid: qemu.pid, qmp, ports },
      ...{ memory: memory?.file, overlay: files.overlay, rootDisk: spec.image.rootDisk },
    }),
    kill: life.kill,
  };
}

/** The shared disk stays as it is; what this machine writes is its own, and goes with it. */
async function makeOverlay(
  { image }: MachineSpec,
  { overlay }: MachineFiles,
  saved: SavedMachine | undefined,
): Promise<void> {
  const limits = { timeoutMs: START_MS, code: 'provision' } as const;
  const argv = overlayArgv(overlay, saved?.overlay ?? image.rootDisk, saved ? 'qcow2' : 'raw');
  await runOrThrow(local, { argv }, limits);
}

export interface Life {
  readonly died: Promise<string>;
  readonly isOver: () => boolean;
  readonly watch: (qmp: Qmp, say: (line: string) => void) => void;
  readonly kill: () => Promise<void>;
}

/** What QEMU says about its own end, and what the guest said last. */
function followLife(spec: MachineSpec, files: MachineFiles, qemu: LocalProcess): Life {
  let words = '';
  let reason = '';
  const state = { over: false, wanted: false, doomed: false };
  for (const stream of [qemu.stdout, qemu.stderr])
    stream.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-2_000);
    });
  const died = qemu.ended.then(async ({ exitCode, signal }) => {
    state.over = true;
    const how = state.wanted
      ? 'was ended'
      : state.doomed
        ? 'had to be ended'
        : `ended by itself (${signal ?? `exit code ${exitCode ?? '?'}`})`;
    const own = [reason, words.trim()].filter((text) => text !== '').join('; ');
    const console = await tailOf(files.console);
    return `QEMU of ${spec.name} ${how}${own === '' ? '' : `: ${own}`}${console}`;
  });
  return {
    died,
    isOver: () => state.over,
    watch: (qmp, say) => {
      followFate(qmp, (why, isOver) => {
        if (reason === '') reason = why;
        if (state.wanted) return;
        say(`${spec.name}: ${why}`);
        state.doomed = !isOver;
        if (state.doomed) qemu.kill('SIGKILL');
      });
    },
    kill: async () => {
      state.wanted = true;
      // A stopped process takes no other signal.
      qemu.kill('SIGKILL');
      await died;
    },
  };
}

/** QEMU stops a machine that it cannot run any further, and stays: nobody would ever hear of it. */
const DEAD_STATES: readonly string[] = ['internal-error', 'io-error', 'guest-panicked'];

/** Tells what happened to the machine, and whether QEMU ends because of it. */
function followFate(qmp: Qmp, tell: (why: string, isOver: boolean) => void): void {
  const word = (data: Readonly<Record<string, unknown>>, key: string): string =>
    typeof data[key] === 'string' ? ` (${data[key]})` : '';
  qmp.onEvent(({ event, data }) => {
    if (event === 'SHUTDOWN') tell(`the guest was switched off${word(data, 'reason')}`, true);
    else if (event === 'BLOCK_IO_ERROR' && data['action'] === 'stop')
      tell(`its disk cannot be written or read${word(data, 'reason')}`, false);
    else if (event === 'STOP')
      void runState(qmp).then(
        (state) => {
          if (DEAD_STATES.includes(state)) tell(`QEMU cannot run it any further (${state})`, false);
        },
        () => undefined, // then QEMU is gone, which is told elsewhere
      );
  });
}

async function reachMonitor(
  spec: MachineSpec,
  files: MachineFiles,
  life: Life,
  { signal, first }: { signal: AbortSignal; first: 'running' | 'inmigrate' },
): Promise<Qmp> {
  const wait = { what: `QEMU of ${spec.name} to start`, timeoutMs: START_MS, everyMs: 10, signal };
  const reached = waitFor(wait, async () => {
    if (life.isOver()) return 'over' as const;
    const opened = await connectQmp(files.monitor, spec.name);
    const state = await runState(opened);
    if (state === first) return opened;
    opened.close();
    return state === 'prelaunch' ? undefined : ('over' as const);
  });
  const qmp = await orItsDeath(life, signal, reached);
  if (qmp !== 'over') return qmp;
  await life.kill();
  throw new CoalmineError('provision', await life.died);
}

/** What fails with QEMU is told in QEMU's words. */
async function orItsDeath<T>(life: Life, signal: AbortSignal, work: Promise<T>): Promise<T> {
  return work.catch(async (cause: unknown) => {
    signal.throwIfAborted();
    await life.kill();
    throw new CoalmineError('provision', await life.died, { cause });
  });
}

/** Returns a line break and the last lines, or that there are none. */
async function tailOf(file: string): Promise<string> {
  const text = await readEnd(file);
  // What moves cursors and changes colours.
  // eslint-disable-next-line no-control-regex
  const plain = text.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]|\u001b[c()][0-9A-Z]?|\r/g, '');
  const lines = plain.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) return '\nits console is empty';
  return `\nits console ended with:\n${lines.slice(-TAIL_LINES).join('\n')}`;
}

async function readEnd(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const length = Math.min(size, TAIL_BYTES);
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString('utf8');
    } finally {
      await handle.close();
    }
  } catch {
    return await readFile(file, 'utf8').catch(() => '');
  }
}
