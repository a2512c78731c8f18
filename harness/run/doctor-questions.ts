/** What `coalmine doctor` asks this machine. Every question only looks: nothing is installed, started for good or changed. */
import { access, constants } from 'node:fs/promises';
import os from 'node:os';
import { createStore } from '../components/store.ts';
import { formatBytes, freeBytes } from '../components/disk.ts';
import { messageOf } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import { onPath } from '../exec/on-path.ts';
import { insideRefusals } from '../providers/inside.ts';
import { findEngine } from '../providers/kind/engine-find.ts';
import { proxyModeRefusal } from '../providers/kind/engine-preflight.ts';
import { hasCgroupV1, lacksResourceCapability } from '../providers/kind/machine.ts';
import { memoryRefusal } from '../providers/memory.ts';
import { checkpointRefusal } from '../providers/vm/checkpoint-trial.ts';
import { demandQemu, findAccel } from '../providers/vm/accel.ts';
import { demandQemuImg } from '../providers/vm/preflight.ts';
import { findCriu } from './criu.ts';
import { findRootDisk } from './doctor-root-disk.ts';

export interface Answer {
  question: string;
  /** Providers that cannot do without it; empty for what merely limits a run. */
  for: readonly Plan['provider'][];
  /** `no` where a run cannot do without it; `note` for what merely limits it. */
  state: 'yes' | 'no' | 'note';
  detail: string;
}

const BOTH = ['kind', 'vm'] as const;
/** A cluster of two nodes with its images; more is asked where components must be built. */
const DISK_BYTES = 6 * 2 ** 30;
const MEMORY_BYTES = 3 * 2 ** 30;
const TUN = '/dev/net/tun';

export async function askAll(cacheDir: string): Promise<Answer[]> {
  return [
    await askEngine(cacheDir),
    await askQemu(),
    await askRootDisk(cacheDir),
    await askAccel(),
    await askTun(),
    await askCriu(cacheDir),
    await askNamespaces(cacheDir),
    await askDisk(cacheDir),
    await askMemory(),
    ...(await Promise.all((['iptables', 'nftables', 'ipvs'] as const).map(askMode))),
    await askTool('go', 'builds components that no release server gives'),
    await askTool('mmdebstrap', 'makes root file systems for nodes'),
    await askTool('trafgen', 'floods the NICs of machines in the irq scenarios'),
    { question: 'Node.js', for: [], state: 'yes', detail: process.version },
    await askMachine(),
  ];
}

async function askEngine(cacheDir: string): Promise<Answer> {
  return answer('Docker engine', ['kind'], async () => {
    const choice = await findEngine({ cacheDir });
    return choice.kind === 'user'
      ? `yours, ${choice.version}, at ${choice.engine.host}`
      : `a private one in namespaces of its own (yours: ${choice.because})`;
  });
}

async function askQemu(): Promise<Answer> {
  return answer('QEMU', ['vm'], async () => {
    const version = await demandQemu();
    await demandQemuImg();
    return version;
  });
}

async function askRootDisk(cacheDir: string): Promise<Answer> {
  const isRoot = process.getuid?.() === 0;
  return answer('root disk', ['vm'], () => findRootDisk(cacheDir, { isRoot }));
}

/** Only a first look: a run tries its own kernel on KVM before it believes it. */
async function askAccel(): Promise<Answer> {
  const { kind, reason } = await findAccel();
  const detail =
    kind === 'kvm'
      ? `KVM perhaps: ${reason}; a run tries a whole kernel on it, and takes TCG where that does not boot`
      : `TCG, which is some ten times slower: ${reason}`;
  return { question: 'machines run on', for: [], state: 'note', detail };
}

async function askTun(): Promise<Answer> {
  return answer(TUN, ['vm'], async () => {
    await access(TUN, constants.R_OK | constants.W_OK);
    return 'opens';
  });
}

/** A run does without it where it must. */
async function askCriu(cacheDir: string): Promise<Answer> {
  const criu = await findCriu(createStore({ cacheDir }));
  const refusal =
    criu === undefined ? '`coalmine setup` has not fetched it' : await checkpointRefusal(criu);
  return {
    question: 'CRIU',
    for: [],
    state: refusal === undefined ? 'yes' : 'note',
    detail:
      refusal === undefined
        ? 'control planes of saved clusters go on'
        : `control planes of saved clusters start again each time: ${refusal}`,
  };
}

async function askNamespaces(cacheDir: string): Promise<Answer> {
  const refusals = await insideRefusals(cacheDir);
  const how = process.getuid?.() === 0 ? 'as root' : 'in a user namespace';
  return {
    question: 'namespaces',
    for: ['vm'],
    state: refusals.length === 0 ? 'yes' : 'no',
    detail: refusals.length === 0 ? `can be made, ${how}` : refusals.join('; '),
  };
}

async function askDisk(cacheDir: string): Promise<Answer> {
  const bytes = await freeBytes(cacheDir);
  const detail = `${formatBytes(bytes)} free for the cache, ${cacheDir}`;
  return { question: 'disk', for: BOTH, state: bytes >= DISK_BYTES ? 'yes' : 'no', detail };
}

async function askMemory(): Promise<Answer> {
  const refusal = await memoryRefusal(MEMORY_BYTES);
  const detail = refusal ?? `${formatBytes(os.freemem())} free, ${os.availableParallelism()} CPUs`;
  return { question: 'memory', for: BOTH, state: refusal === undefined ? 'yes' : 'no', detail };
}

async function askMode(mode: Plan['proxyMode']): Promise<Answer> {
  const refusal = await proxyModeRefusal(mode);
  return {
    question: `kind: ${mode}`,
    for: [],
    state: refusal === undefined ? 'yes' : 'note',
    detail: refusal ?? 'this kernel has it',
  };
}

async function askTool(tool: string, purpose: string): Promise<Answer> {
  const found = await onPath(tool);
  return {
    question: tool,
    for: [],
    state: found === undefined ? 'note' : 'yes',
    detail: found ?? `not installed; ${purpose}; \`coalmine setup\` says what it needs`,
  };
}

async function askMachine(): Promise<Answer> {
  const words = [
    hasCgroupV1() ? 'cgroup v1' : 'cgroup v2',
    (await lacksResourceCapability())
      ? 'no CAP_SYS_RESOURCE (a runtime shim is used)'
      : 'all capabilities that kind asks for',
  ];
  const detail = `${os.release()}, ${os.arch()}, ${words.join(', ')}`;
  return { question: 'machine', for: [], state: 'yes', detail };
}

/** What throws is a `no` with its reason. */
async function answer(
  question: string,
  providers: Answer['for'],
  ask: () => Promise<string>,
): Promise<Answer> {
  try {
    return { question, for: providers, state: 'yes', detail: await ask() };
  } catch (error) {
    return { question, for: providers, state: 'no', detail: messageOf(error) };
  }
}
