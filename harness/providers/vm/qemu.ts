/**
 * What QEMU is started with: one node as an argv array. Pure, so that a test can say what a node's hardware is. Everything
 * is virtio; the NICs under test sit behind root ports of their own, because only those can be taken out while it runs.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { CoalmineError } from '../../core/errors.ts';
import type { Accel } from './accel.ts';
import type { MachineSpec, PortName } from './machine.ts';
import { memoryArgv, type MachineMemory } from './machine-memory.ts';
import { managementTap, testTap } from './network.ts';
import { quoteCommas } from './quote-commas.ts';

/** 7.2 panics with guests of kernel 6.12 under TCG; 10.0 boots them. */
const QEMU_MIN = 10;
export const QEMU = 'qemu-system-x86_64';

export interface MachineFiles {
  readonly overlay: string;
  readonly console: string;
  /** What QEMU itself says. */
  readonly log: string;
  readonly ports: Readonly<Record<PortName, string>>;
  /** The controller's own connection to the monitor: a socket serves one client at a time. */
  readonly monitor: string;
  /** For commands of the undo journal, which another process may carry out. */
  readonly commands: string;
}

/** Path lengths of UNIX sockets are limited by the kernel, with the closing zero. */
const SOCKET_PATH_MAX = 107;

export function machineFiles({ folder, name }: Pick<MachineSpec, 'folder' | 'name'>): MachineFiles {
  const files = {
    overlay: path.join(folder, 'root.qcow2'),
    console: path.join(folder, 'console.log'),
    log: path.join(folder, 'qemu.log'),
    ports: { agent: path.join(folder, 'agent.sock'), hand: path.join(folder, 'hand.sock') },
    monitor: path.join(folder, 'monitor.sock'),
    commands: path.join(folder, 'commands.sock'),
  };
  const socket = files.commands;
  if (Buffer.byteLength(socket) > SOCKET_PATH_MAX)
    throw new CoalmineError(
      'preflight',
      `the folder of ${name} is too long for a socket: ${socket}`,
      {
        wayOut: 'set TMPDIR to a shorter path',
      },
    );
  return files;
}

/** Returns the MAC address of NIC `nic` (0 is the management network) of node `index`. */
export function macOf(index: number, nic: number): string {
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  return `52:54:00:c0:${hex(index)}:${hex(nic)}`;
}

/** @param memory where it lies, if that matters to somebody */
export function qemuArgv(
  spec: MachineSpec,
  accel: Accel['kind'],
  memory?: MachineMemory,
): readonly [string, ...string[]] {
  const { image, cpus, memoryMiB, index, name } = spec;
  const files = machineFiles(spec);
  return [
    QEMU,
    ...['-name', name, '-nodefaults', '-no-user-config', '-display', 'none'],
    // The clock of the guest's RTC goes on while the machine is stopped, as it does in a cloud.
    ...['-machine', 'q35', ...accelArgv(accel), '-rtc', 'base=utc,clock=host'],
    ...['-smp', `cpus=${cpus}`, ...memoryArgv(memoryMiB, memory)],
    ...['-kernel', image.kernel, '-initrd', image.initrd, '-append', kernelWords(spec)],
    ...diskArgv('root', { driver: 'qcow2', file: files.overlay, readOnly: false }),
    ...diskArgv('tools', { driver: 'raw', file: image.toolsDisk, readOnly: true }),
    ...tapArgv('net0', managementTap(index), 1),
    ...['-device', `virtio-net-pci,netdev=net0,id=nic0,mac=${macOf(index, 0)},romfile=`],
    ...testNicsArgv(spec),
    ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci,id=serial'],
    // Tells a guest that goes on from a saved one, from kernel 6.12 on, that its random numbers are not its own any more.
    ...['-device', 'vmgenid,guid=auto'],
    ...portArgv('agent', files.ports.agent),
    ...portArgv('hand', files.ports.hand),
    ...['-serial', `file:${quoteCommas(files.console)}`],
    ...[files.monitor, files.commands].flatMap((socket) => [
      '-qmp',
      `unix:${quoteCommas(socket)},server=on,wait=off`,
    ]),
  ];
}

/** The shared disk has no identity: each machine gets its own with its first words. */
function kernelWords(spec: MachineSpec): string {
  const own = [`systemd.hostname=${spec.name}`, `systemd.machine_id=${machineIdOf(spec)}`];
  return [...spec.image.cmdline, ...own].join(' ');
}

function machineIdOf({ name, runId }: Pick<MachineSpec, 'name' | 'runId'>): string {
  return createHash('sha256').update(`${runId} ${name}`).digest('hex').slice(0, 32);
}

/** The properties with which test NIC `nic` (from 0) is added: at the start by argv, and again by `device_add`. */
export function testNicDevice(
  { index, queues }: Pick<MachineSpec, 'index' | 'queues'>,
  nic: number,
): Readonly<Record<string, string | number | boolean>> {
  return {
    driver: 'virtio-net-pci',
    ...testNicIds(nic),
    mac: macOf(index, nic + 1),
    romfile: '',
    // One vector for each queue of each direction, one for control, one for configuration.
    ...(queues === 1 ? {} : { mq: true, vectors: 2 * queues + 2 }),
  };
}

/** `nic0` is the NIC of the management network. */
export function testNicIds(nic: number): { id: string; netdev: string; bus: string } {
  return { id: `nic${nic + 1}`, netdev: `net${nic + 1}`, bus: `rp${nic + 1}` };
}

function testNicsArgv(spec: MachineSpec): string[] {
  return Array.from({ length: spec.testNics }, (_, nic) => nic).flatMap((nic) => {
    const { driver, ...properties } = testNicDevice(spec, nic);
    const { bus, netdev } = testNicIds(nic);
    const slot = nic + 1;
    const words = Object.entries(properties).map(
      ([key, value]) => `${key}=${value === true ? 'on' : String(value)}`,
    );
    return [
      ...['-device', `pcie-root-port,id=${bus},chassis=${slot},slot=${slot}`],
      ...tapArgv(netdev, testTap(spec.index, nic), spec.queues),
      ...['-device', [driver, ...words].join(',')],
    ];
  });
}

function accelArgv(kind: Accel['kind']): string[] {
  return kind === 'kvm'
    ? ['-accel', 'kvm', '-cpu', 'host']
    : ['-accel', 'tcg,thread=multi', '-cpu', 'max'];
}

/** Nothing of a node's disk is to survive the run, so that what the guest flushes need not reach this machine's disk. */
function diskArgv(
  id: string,
  { driver, file, readOnly }: { driver: string; file: string; readOnly: boolean },
): string[] {
  const blockdev = {
    driver,
    'node-name': id,
    'read-only': readOnly,
    cache: { direct: false, 'no-flush': true },
    file: { driver: 'file', filename: file, 'read-only': readOnly, locking: 'off' },
  };
  return ['-blockdev', JSON.stringify(blockdev), '-device', `virtio-blk-pci,drive=${id},id=${id}`];
}

function tapArgv(id: string, tap: string, queues: number): string[] {
  const many = queues === 1 ? '' : `,queues=${queues}`;
  return ['-netdev', `tap,id=${id},ifname=${tap},script=no,downscript=no,vhost=off${many}`];
}

/** The name under which QEMU tells that the guest opened or closed the port. */
export function portDevice(name: PortName): string {
  return `port-${name}`;
}

function portArgv(name: PortName, socket: string): string[] {
  return [
    ...['-chardev', `socket,id=${name},path=${quoteCommas(socket)},server=on,wait=off`],
    ...[
      '-device',
      `virtserialport,bus=serial.0,id=${portDevice(name)},chardev=${name},name=coalmine.${name}`,
    ],
  ];
}

/** Returns major and minor version from the text of `--version`; undefined where it says something else. */
export function parseQemuVersion(text: string): { text: string; major: number } | undefined {
  const match = /version (\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (match === null) return undefined;
  const [, major = '', ...rest] = match;
  return {
    text: [major, ...rest.filter((part) => typeof part === 'string')].join('.'),
    major: Number(major),
  };
}

/** Returns why this QEMU is not used, or undefined where it is. */
export function qemuRefusal(version: { text: string; major: number }): string | undefined {
  if (version.major >= QEMU_MIN) return undefined;
  return `QEMU ${version.text} is too old: ${QEMU_MIN}.0 or newer is needed (7.2 lets guests with kernel 6.12 panic under TCG)`;
}
