/** `coalmine doctor`: what this machine can do, and what earlier runs left on it. Asks, and changes nothing. */
import os from 'node:os';
import { defaultCacheDir } from '../components/cache-folder.ts';
import { formatBytes, freeBytes } from '../components/disk.ts';
import { messageOf } from '../core/errors.ts';
import { onPath } from '../exec/on-path.ts';
import { findLeftovers } from '../providers/clean.ts';
import { findEngine } from '../providers/kind/engine-find.ts';
import { proxyModeRefusal } from '../providers/kind/engine-preflight.ts';
import { lacksResourceCapability, hasCgroupV1 } from '../providers/kind/machine.ts';
import { memoryRefusal } from '../providers/memory.ts';

interface Answer {
  question: string;
  /** `no` where a run cannot do without it; `note` for what merely limits it. */
  state: 'yes' | 'no' | 'note';
  detail: string;
}

export interface Exam {
  usableProviders: string[];
  answers: Answer[];
  /** Things of dead runs, which `coalmine clean` removes. */
  leftovers: string[];
}

/** A cluster of two nodes with its images; more is asked where components must be built. */
const DISK_BYTES = 6 * 2 ** 30;
const MEMORY_BYTES = 3 * 2 ** 30;

export async function examine(): Promise<Exam> {
  const cacheDir = defaultCacheDir(process.env);
  const engine = await askEngine(cacheDir);
  const answers = [
    engine,
    await askDisk(cacheDir),
    await askMemory(),
    ...(await Promise.all(
      ['iptables', 'nftables', 'ipvs'].map((mode) => askMode(mode as 'iptables')),
    )),
    await askTool('go', 'builds components that no release server gives'),
    await askTool('mmdebstrap', 'makes root file systems for node images'),
    askNode(),
    await askMachine(),
  ];
  const blocked = answers.some(({ state }) => state === 'no');
  const leftovers = await findLeftovers(cacheDir);
  return {
    usableProviders: blocked ? [] : ['kind'],
    answers,
    leftovers: leftovers.map(({ kind, name }) => `${kind} ${name}`),
  };
}

async function askEngine(cacheDir: string): Promise<Answer> {
  const question = 'Docker engine';
  try {
    const choice = await findEngine({ cacheDir });
    const detail =
      choice.kind === 'user'
        ? `yours, ${choice.version}, at ${choice.engine.host}`
        : `a private one in namespaces of its own (yours: ${choice.because})`;
    return { question, state: 'yes', detail };
  } catch (error) {
    return { question, state: 'no', detail: messageOf(error) };
  }
}

async function askDisk(cacheDir: string): Promise<Answer> {
  const bytes = await freeBytes(cacheDir);
  const detail = `${formatBytes(bytes)} free for the cache, ${cacheDir}`;
  return { question: 'disk', state: bytes >= DISK_BYTES ? 'yes' : 'no', detail };
}

async function askMemory(): Promise<Answer> {
  const refusal = await memoryRefusal(MEMORY_BYTES);
  const detail = refusal ?? `${formatBytes(os.freemem())} free, ${os.availableParallelism()} CPUs`;
  return { question: 'memory', state: refusal === undefined ? 'yes' : 'no', detail };
}

async function askMode(mode: 'iptables' | 'nftables' | 'ipvs'): Promise<Answer> {
  const refusal = await proxyModeRefusal(mode);
  return {
    question: `proxy mode ${mode}`,
    state: refusal === undefined ? 'yes' : 'note',
    detail: refusal ?? 'this kernel has it',
  };
}

async function askTool(tool: string, purpose: string): Promise<Answer> {
  const found = await onPath(tool);
  return {
    question: tool,
    state: found === undefined ? 'note' : 'yes',
    detail: found ?? `not installed; ${purpose}; \`coalmine setup\` says what it needs`,
  };
}

function askNode(): Answer {
  return { question: 'Node.js', state: 'yes', detail: process.version };
}

async function askMachine(): Promise<Answer> {
  const words = [
    hasCgroupV1() ? 'cgroup v1' : 'cgroup v2',
    (await lacksResourceCapability())
      ? 'no CAP_SYS_RESOURCE (a runtime shim is used)'
      : 'all capabilities that kind asks for',
  ];
  return {
    question: 'machine',
    state: 'yes',
    detail: `${os.release()}, ${os.arch()}, ${words.join(', ')}`,
  };
}

export function describeExam({ answers, leftovers, usableProviders }: Exam): string {
  const width = Math.max(...answers.map(({ question }) => question.length));
  const rows = answers.map(
    ({ question, state, detail }) => `${question.padEnd(width)}  ${state.padEnd(4)}  ${detail}`,
  );
  const left =
    leftovers.length === 0
      ? ['nothing is left of earlier runs']
      : [
          'left of dead runs (`coalmine clean` removes it):',
          ...leftovers.map((line) => `  ${line}`),
        ];
  const usable =
    usableProviders.length === 0
      ? 'no provider is usable'
      : `usable: ${usableProviders.join(', ')}`;
  return `${[...rows, ...left, usable].join('\n')}\n`;
}
