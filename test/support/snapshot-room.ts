/**
 * A machine that is saved and one that goes on from it, in namespaces of their own: `snapshot-room IMAGE-JSON FOLDER`.
 * Damages what was saved in two ways, and prints what came of it all as one line of JSON.
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { bundleProgram } from '../../harness/components/bundle.ts';
import type { VmImage } from '../../harness/components/image/vm-image.ts';
import { monotonicMs, startRunClock } from '../../harness/core/clock.ts';
import type { Executor } from '../../harness/core/command.ts';
import { messageOf } from '../../harness/core/errors.ts';
import { Unwind } from '../../harness/core/unwind.ts';
import { local } from '../../harness/exec/local.ts';
import { runOrThrow } from '../../harness/exec/run-or-throw.ts';
import { nodeAddress, withPrefix } from '../../harness/providers/vm/addresses.ts';
import { freshenMachine } from '../../harness/providers/vm/freshen.ts';
import { openHand, type Hand } from '../../harness/providers/vm/hand.ts';
import { startMachine, type Continuing, type Machine } from '../../harness/providers/vm/machine.ts';
import { createNetwork } from '../../harness/providers/vm/network.ts';
import { useSnapshot, type Snapshot } from '../../harness/providers/vm/snapshot.ts';
import { planOf } from './history.ts';

export interface SnapshotReport {
  /** Of the machine that booted, and of the one that goes on from it. */
  before: Identity;
  after: Identity;
  /** How the second one is seen on the bridge. */
  neighbour: string;
  clockErrorMs: number;
  rtcErrorSeconds: number;
  newestJournalLine: string;
  /** Exit codes of the commands that take a NIC out and put it back. */
  nic: (number | null)[];
  said: string[];
  /** What could be gone on from: at first, after the saving, when cut in half, when still not saved, when saved again. */
  found: boolean[];
  /** What came of a start from files of which one byte is not what it was. */
  changedByte: string;
  kept: number;
  savedBytes: number;
  powerOnToAgentMs: number;
  restoreToAgentMs: number;
  restoreToUsableMs: number;
}

interface Identity {
  hostName: string;
  machineId: string;
  macs: string[];
}

const LIMITS = { timeoutMs: 60_000 };
const SHAPE = { cpus: 2, memoryMiB: 1_024, testNics: 1, queues: 2 };
const { signal } = new AbortController();
const clock = startRunClock();

async function main(image: VmImage, folder: string): Promise<SnapshotReport> {
  await local.run({ argv: ['ip', 'link', 'set', 'lo', 'up'] }, LIMITS);
  const said: string[] = [];
  const say = (line: string): void => {
    said.push(line);
    console.error(line);
  };
  const accel = { kind: 'tcg', reason: 'the test does not ask' } as const;
  const deps = { accel, signal, say, program: await bundleProgram('machine') };
  const network = await createNetwork();
  const cache = {
    snapshots: path.join(folder, 'snapshots'),
    partial: path.join(folder, 'partial'),
    locks: path.join(folder, 'locks'),
  };
  const start = (index: number, from?: Continuing): Promise<Machine> => {
    const name = `worker-${index + 1}`;
    const own = path.join(folder, name);
    mkdirSync(own, { recursive: true });
    const spec = { ...SHAPE, name, index, runId: `run-${index}`, folder: own, image };
    return startMachine(spec, { ...deps, network }, from);
  };
  /** As one run after the other. */
  const inRun = async <T>(work: (snapshot: Snapshot, from?: Continuing) => Promise<T>) => {
    const unwind = new Unwind();
    const context = { say, clock, plan: { ...planOf({ provider: 'vm' }), machine: SHAPE } };
    const snapshot = useSnapshot({ signal, unwind, context, prepared: { image } }, cache);
    const from = await snapshot.find(accel);
    found.push(from !== undefined);
    from?.checked.catch(() => undefined);
    try {
      return await work(snapshot, from);
    } finally {
      await unwind.run();
    }
  };
  const found: boolean[] = [];
  const memory = (): string =>
    path.join(cache.snapshots, readdirSync(cache.snapshots)[0] ?? '', 'memory');

  const fromMs = monotonicMs();
  const first = await start(0);
  const firstHand = await openHand(first, { clock, signal });
  const powerOnToAgentMs = monotonicMs() - fromMs;
  const before = await identify(firstHand);
  await inRun((snapshot) => snapshot.save(first, firstHand));
  // It goes on, with its agent.
  await runOrThrow(firstHand, { argv: ['true'] }, LIMITS);
  const savedBytes = statSync(memory()).size;

  const restoreMs = monotonicMs();
  const second = await inRun((_, from) => start(1, from));
  const hand = await openHand(second, { clock, signal });
  const restoreToAgentMs = monotonicMs() - restoreMs;
  await freshenMachine(hand, second.spec, signal);
  const restoreToUsableMs = monotonicMs() - restoreMs;
  const seen = {
    after: await identify(hand),
    ...(await clockErrors(hand)),
    neighbour: await neighbourOf(hand, 1),
    newestJournalLine: (await ask(hand, 'journalctl', '--no-pager', '--lines=1')).trim(),
    nic: await reattach(second),
  };

  truncateSync(memory(), savedBytes >> 1);
  // What goes on from files that may be removed is not saved itself.
  await inRun((snapshot) => snapshot.save(second, hand));
  await inRun((snapshot) => snapshot.save(first, firstHand));
  hand.close();
  firstHand.close();
  await Promise.all([first.kill(), second.kill()]);
  changeOneByte(memory());
  const changedByte = await inRun(async (snapshot, from) => {
    const why = await start(1, from).then(() => 'it runs', messageOf);
    await snapshot.spoil(why);
    return why;
  });
  const kept = readdirSync(cache.snapshots).length;
  await network.close();
  return {
    ...{ before, ...seen, said, found, changedByte, kept, savedBytes },
    ...{ powerOnToAgentMs, restoreToAgentMs, restoreToUsableMs },
  };
}

async function ask(node: Executor, ...argv: [string, ...string[]]): Promise<string> {
  return runOrThrow(node, { argv }, LIMITS);
}

async function identify(node: Hand): Promise<Identity> {
  const links = JSON.parse(await ask(node, 'ip', '-json', 'link')) as Record<string, string>[];
  return {
    hostName: (await ask(node, 'hostname')).trim(),
    machineId: (await ask(node, 'cat', '/etc/machine-id')).trim(),
    macs: links
      .filter(({ ifname }) => ifname?.startsWith('eth'))
      .map(({ address }) => address ?? ''),
  };
}

async function clockErrors(node: Hand): Promise<{ clockErrorMs: number; rtcErrorSeconds: number }> {
  const wall = Number(await ask(node, 'date', '+%s%3N'));
  const clockErrorMs = Math.abs(Date.now() - wall);
  const rtc = Number(await ask(node, 'cat', '/sys/class/rtc/rtc0/since_epoch'));
  return { clockErrorMs, rtcErrorSeconds: Math.abs(Date.now() / 1_000 - rtc) };
}

async function neighbourOf(node: Hand, index: number): Promise<string> {
  const address = nodeAddress(index);
  await ask(node, 'ip', 'address', 'add', withPrefix(address), 'dev', 'eth0');
  await ask(node, 'ip', 'link', 'set', 'eth0', 'up');
  // Nobody listens there: what is refused has come back.
  const url = 'http://172.31.0.1:1/';
  await node.run({ argv: ['curl', '--silent', '--max-time', '20', url] }, LIMITS);
  return ask(local, 'ip', 'neighbour', 'show', address);
}

async function reattach(machine: Machine): Promise<(number | null)[]> {
  const codes = [];
  for (const { detach, attach, verify } of machine.nics)
    for (const command of [detach, attach, verify.command])
      codes.push((await local.run(command, LIMITS)).exitCode);
  return codes;
}

function changeOneByte(file: string): void {
  const bytes = readFileSync(file);
  const at = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(file, bytes);
}

const [file, image = '', folder = ''] = process.argv.slice(1);
if (file === import.meta.filename) {
  console.log(JSON.stringify(await main(JSON.parse(image) as VmImage, folder)));
  process.exit(0);
}
