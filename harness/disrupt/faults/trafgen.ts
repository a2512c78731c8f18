/**
 * Packets from outside a machine: trafgen (of netsniff-ng) on this side of a NIC's link, as commands that start it, end it
 * and count it. It is found again by its configuration file, whose name holds the fault's tag and which stands in its argv:
 * neither a pid nor a pid file has to survive. It ends by itself, after a number of packets and after a time.
 */
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from '../../core/command.ts';
import type { MachineNic } from '../../core/node.ts';

export interface Flood {
  readonly nic: Pick<MachineNic, 'mac' | 'address' | 'peer'>;
  readonly packetsPerSecond: number;
  /** Source ports, so that a NIC with many queues uses them all. */
  readonly flows: number;
  readonly limitSeconds: number;
  readonly tag: string;
}

/** What one packet takes besides the pause, on a machine that is not busy. */
const SEND_US = 30;
/** Packets a second of one process with a pause after each. */
const EVEN_MAX = 10_000;
const FIRST_PORT = 20_000;
/** Discard. */
const TARGET_PORT = 9;

/** Starts its argv without a terminal, and waits until it is clear that it runs. */
const START = `
const { openSync, readFileSync, writeFileSync } = require('node:fs');
const [, file, ...argv] = process.argv;
writeFileSync(file, readFileSync(0, 'utf8'));
const log = openSync(file + '.log', 'w');
const child = require('node:child_process').spawn(argv[0], argv.slice(1), { detached: true, stdio: ['ignore', log, log] });
const fail = (why) => { console.error(why + ': ' + readFileSync(file + '.log', 'utf8').slice(-500)); process.exit(1); };
child.on('error', (error) => fail(error.message));
child.on('exit', (code, signal) => fail('it ended at once, with ' + (signal ?? code)));
setTimeout(() => process.exit(0), 700);
`;

/** Only the program and its own limit: whoever asks has the file in its argv too. */
const FIND = `
const { readFileSync, readdirSync, rmSync } = require('node:fs');
const [, ...files] = process.argv;
const words = (pid) => { try { return readFileSync('/proc/' + pid + '/cmdline', 'utf8').split('\\0'); } catch { return []; } };
const isOurs = (pid) => { const [program, ...rest] = words(pid); return /(^|\\/)(timeout|trafgen)$/.test(program ?? '') && files.some((file) => rest.includes(file)); };
const found = () => readdirSync('/proc').filter((name) => /^\\d+$/.test(name) && isOurs(name)).map(Number);
`;

const STOP = `${FIND}
for (const pid of found()) { try { process.kill(pid, 'SIGKILL'); } catch {} }
for (const file of files) for (const name of [file, file + '.log']) rmSync(name, { force: true });
`;

const COUNT = `${FIND}
console.log(found().length);
`;

export function startFlood(flood: Flood): Command {
  const { nic, packetsPerSecond, limitSeconds } = flood;
  const file = fileOf(flood);
  const limit = ['timeout', '--kill-after=1', String(limitSeconds)];
  const trafgen = [
    ...['trafgen', '--dev', nic.peer.link, '--conf', file, '--cpus', '1'],
    ...[...paceOf(packetsPerSecond), '--num', String(packetsPerSecond * limitSeconds)],
    // It would change this machine's interrupts and socket limits.
    ...['--notouch-irq', '--no-sock-mem', '--no-cpu-stats'],
  ];
  return { ...program(START, file, ...limit, ...trafgen), stdin: packets(flood) };
}

/**
 * A pause after each packet is even, and never shorter than it says, but costs a wake-up each. Its own `--rate` reaches any
 * rate, but sends all of a second at its beginning, and goes on as fast as it can once it stood still for longer than one
 * (a link whose NIC was taken out): only for what cannot be had otherwise.
 */
function paceOf(packetsPerSecond: number): [string, string] {
  if (packetsPerSecond > EVEN_MAX) return ['--rate', `${packetsPerSecond}pps`];
  return ['--gap', `${Math.max(1, Math.round(1_000_000 / packetsPerSecond) - SEND_US)}us`];
}

export function stopFloods(floods: readonly Flood[]): Command {
  return program(STOP, ...floods.map(fileOf));
}

/** Prints how many processes of the floods there are. */
export function countFloods(floods: readonly Flood[]): Command {
  return program(COUNT, ...floods.map(fileOf));
}

/**
 * 60 bytes, the smallest frame, so that packets and not bytes are the load. The header's checksum is wrong: a node throws
 * such a packet away before any rule sees it, so that the load is interrupts and softirqs, and little besides. Pure.
 */
function packets({ nic, flows }: Flood): string {
  const [address = ''] = nic.address.split('/');
  return [
    '{',
    `  eth(da=${nic.mac}, sa=02:00:00:00:00:01),`,
    `  ipv4(sa=${nic.peer.address}, da=${address}, ttl=64, csum=0xdead),`,
    `  udp(sp=dinc(${FIRST_PORT}, ${FIRST_PORT + flows - 1}), dp=${TARGET_PORT}),`,
    '  fill(0x00, 18)',
    '}',
    '',
  ].join('\n');
}

function fileOf({ tag, nic }: Flood): string {
  return path.join(tmpdir(), `${tag}-${nic.peer.link}.trafgen`);
}

function program(source: string, ...args: string[]): Command {
  return { argv: [process.execPath, '-e', source.trim(), ...args] };
}
