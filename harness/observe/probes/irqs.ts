/**
 * Which CPUs may serve each interrupt, and which one does: `/proc/irq/N/smp_affinity_list` is what was asked for,
 * `effective_affinity_list` what the interrupt controller made of it. Numbers appear and vanish with their device, so no
 * fixed list of files will do: one recursive grep prints every file with its path. It prints /proc/interrupts too, for the
 * names of the same moment.
 */
import { interruptOwners } from './interrupts.ts';
import type { Probe } from './probe.ts';

const TABLE = '/proc/interrupts';
const FILES = ['interrupts', 'smp_affinity_list', 'effective_affinity_list'];
const AFFINITY = /^\/proc\/irq\/(\d+)\/(smp_affinity_list|effective_affinity_list):([\d,-]+)$/;
/** More than any kernel is built for; a damaged range must not become a million names. */
const CPUS_MAX = 8_192;

export const irqs: Probe = {
  name: 'irqs',
  scope: 'host-wide-on-kind',
  source: {
    command: {
      argv: [
        'grep',
        // Nothing is said about what vanishes meanwhile; -H so that every line has its path.
        ...['--recursive', '--no-messages', '-H', '-e', ''],
        ...FILES.map((file) => `--include=${file}`),
        ...['--', TABLE, '/proc/irq'],
      ],
    },
    timeoutMs: 5_000,
  },
  everyMsMin: 1_000,
  parse: ({ stdout }) => parseIrqs(stdout ?? ''),
};

/**
 * Returns for each named interrupt `42:virtio3-input.0.effective: 1`, the CPU that serves it (the lowest, where there are
 * several), and of those that were asked for the lowest (`.asked`) and their number (`.askedCpus`). One name for each CPU
 * would be tens of thousands on a large machine.
 */
export function parseIrqs(text: string): Record<string, number> {
  const lines = text.split('\n');
  const prefix = `${TABLE}:`;
  const owners = interruptOwners(
    lines
      .filter((line) => line.startsWith(prefix))
      .map((line) => line.slice(prefix.length))
      .join('\n'),
  );
  const values: Record<string, number> = {};
  for (const line of lines) {
    const [, irq = '', file, list = ''] = AFFINITY.exec(line) ?? [];
    const owner = owners.get(irq);
    const cpus = parseCpuList(list);
    const [lowest] = cpus;
    if (owner === undefined || lowest === undefined) continue;
    if (file === 'effective_affinity_list') values[`${irq}:${owner}.effective`] = lowest;
    else {
      values[`${irq}:${owner}.asked`] = lowest;
      values[`${irq}:${owner}.askedCpus`] = cpus.length;
    }
  }
  return values;
}

/** `0-2,5` to [0, 1, 2, 5]; [] where the list makes no sense. */
export function parseCpuList(list: string): number[] {
  const cpus: number[] = [];
  for (const part of list.split(',')) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === undefined || from > to || to >= CPUS_MAX) return [];
    for (let cpu = from; cpu <= to; cpu += 1) cpus.push(cpu);
  }
  return cpus;
}
