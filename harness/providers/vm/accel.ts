/**
 * How guests are run: by KVM where a guest really runs on it, else by TCG, QEMU's own translation. That /dev/kvm opens
 * proves nothing: on some nested hosts every guest dies within a second, on others a BIOS runs and a kernel does not come
 * to its first word. So guests are run on it for a moment, each time anew: the machine may have been moved since.
 */
import { access, constants, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deadlineIn, waitFor } from '../../core/deadline.ts';
import { formatDuration } from '../../core/duration.ts';
import { CoalmineError, messageOf } from '../../core/errors.ts';
import { local, startLocal } from '../../exec/local.ts';
import { parseQemuVersion, QEMU, qemuRefusal } from './qemu.ts';
import { runState } from './monitor-verbs.ts';
import { connectQmp, type Qmp } from './qmp.ts';

export interface Accel {
  readonly kind: 'kvm' | 'tcg';
  /** Why it is this one, as it reads after a colon. */
  readonly reason: string;
  /** A guest was run on KVM and died of it: no accident of the moment, nor of who asks. */
  readonly died?: true;
}

export const KVM = '/dev/kvm';
const PROBE_MS = 3_000;
const START_MS = 5_000;
/** What a guest must have written to have run: the boot sector writes 18 bytes a second, a kernel 20 KB in the first. */
const BYTES_MIN = { sector: 20, kernel: 2_000 } as const;

/** Throws `preflight` where QEMU is not there or too old; returns its version. */
export async function demandQemu(): Promise<string> {
  const wayOut =
    'run `coalmine setup` as root, or install qemu-system-x86 10 or newer (bookworm: from backports)';
  const answer = await local
    .run({ argv: [QEMU, '--version'] }, { timeoutMs: 10_000 })
    .catch((cause: unknown) => {
      throw new CoalmineError('preflight', `${QEMU} cannot be started`, { wayOut, cause });
    });
  const version = parseQemuVersion(answer.stdout);
  if (version === undefined)
    throw new CoalmineError('preflight', `${QEMU} does not say its version`, { wayOut });
  const why = qemuRefusal(version);
  if (why !== undefined) throw new CoalmineError('preflight', why, { wayOut });
  return version.text;
}

/**
 * Never throws: where KVM cannot be used, TCG can. Without a kernel to be tried, only the small guest runs, which proves
 * less: for a first look.
 */
export async function findAccel(
  { kernel }: { kernel?: string } = {},
  device = KVM,
): Promise<Accel> {
  const canOpen = await access(device, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!canOpen) return { kind: 'tcg', reason: `${device} cannot be opened` };
  const guest = kernel === undefined ? 'a probe guest' : 'a kernel';
  try {
    const why = await runProbe('kvm', kernel);
    return why === undefined
      ? { kind: 'kvm', reason: `${guest} ran on it` }
      : {
          ...{ kind: 'tcg', died: true },
          reason: `${device} opens, but ${guest} does not run on it (${why})`,
        };
  } catch (error) {
    return { kind: 'tcg', reason: `${device} could not be tried: ${messageOf(error)}` };
  }
}

/**
 * A boot sector: `again: out 0xE9, 'C'; hlt; jmp again`, with interrupts on. The timer, which the BIOS has set up, wakes
 * it 18 times a second, so what it writes proves that guest code, devices and interrupts work.
 */
function bootSector(): Buffer {
  const sector = Buffer.alloc(512);
  sector.set([0xfb, 0xb0, 0x43, 0xe6, 0xe9, 0xf4, 0xeb, 0xf9]);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

/** Returns why the guest does not run with this accelerator, or undefined where it does. */
export async function runProbe(
  accel: Accel['kind'],
  kernel: string | undefined,
): Promise<string | undefined> {
  const folder = await mkdtemp(path.join(tmpdir(), 'coalmine-probe-'));
  const files = {
    disk: path.join(folder, 'boot.raw'),
    bytes: path.join(folder, 'bytes'),
    monitor: path.join(folder, 'monitor.sock'),
  };
  await writeFile(files.disk, bootSector());
  const qemu = startLocal({ argv: probeArgv(files, accel, kernel) });
  let said = '';
  for (const stream of [qemu.stdout, qemu.stderr])
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-500);
    });
  try {
    const ended = { is: false };
    void qemu.ended.then(() => {
      ended.is = true;
    });
    const wait = { what: 'the probe guest to start', timeoutMs: START_MS, everyMs: 50 };
    const qmp = await waitFor(wait, async () => {
      if (ended.is) return 'gone' as const;
      return await connectQmp(files.monitor, 'the probe guest');
    });
    if (qmp === 'gone') return `QEMU ended: ${said.trim()}`;
    return await watchProbe(
      qmp,
      files.bytes,
      BYTES_MIN[kernel === undefined ? 'sector' : 'kernel'],
    );
  } finally {
    qemu.kill('SIGKILL');
    await qemu.ended;
    await rm(folder, { recursive: true, force: true });
  }
}

/** It must write enough and go on for the whole time: some guests die a second later. */
async function watchProbe(qmp: Qmp, bytes: string, bytesMin: number): Promise<string | undefined> {
  const written = async (): Promise<number> => (await stat(bytes).catch(() => ({ size: 0 }))).size;
  const deadline = deadlineIn(PROBE_MS);
  const wait = { what: 'the probe guest', timeoutMs: 2 * PROBE_MS, everyMs: 100 };
  const ill = await waitFor(wait, async () => {
    const status = await runState(qmp);
    if (status !== 'running') return `its run state became ${status}`;
    return deadline.remainingMs() === 0 ? '' : undefined;
  });
  if (ill !== '') return ill;
  const size = await written();
  return size < bytesMin ? `it wrote ${size} bytes in ${formatDuration(PROBE_MS)}` : undefined;
}

function probeArgv(
  files: { disk: string; bytes: string; monitor: string },
  accel: Accel['kind'],
  kernel: string | undefined,
): [string, ...string[]] {
  const guest =
    kernel === undefined
      ? [
          ...['-drive', `file=${files.disk},format=raw,if=ide,snapshot=on`],
          ...['-debugcon', `file:${files.bytes}`, '-global', 'isa-debugcon.iobase=0xe9'],
        ]
      : [
          // Without a disk it ends in a panic, and stays there: it has shown by then that it runs.
          ...['-kernel', kernel, '-append', 'console=ttyS0 earlyprintk=ttyS0 panic=0'],
          ...['-serial', `file:${files.bytes}`],
        ];
  return [
    QEMU,
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-machine', 'pc', '-m', '256M'],
    ...(accel === 'kvm' ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg', '-cpu', 'max']),
    ...guest,
    ...['-qmp', `unix:${files.monitor},server=on,wait=off`],
  ];
}
