/**
 * How long softirqs and timer handlers held a CPU, as the kernel counted it in histograms (core/softirq-trace.ts). Not one of
 * the probes that every run reads: something has to be switched on first, and its files are named after that.
 */
import { softirqTrace } from '../../core/softirq-trace.ts';
import type { Probe } from './probe.ts';

export function softirqTimes(tag: string): Probe {
  const { timer, softirq, wait } = softirqTrace(tag).histograms;
  return {
    name: 'softirq-times',
    scope: 'host-wide-on-kind',
    source: { files: [timer, softirq, wait] },
    // They only grow, and what counts is how they stood at the ends of a phase.
    everyMsMin: 2_000,
    parse: (contents) => ({
      ...parseHistogram('timer', contents[timer] ?? ''),
      ...parseHistogram('softirq', contents[softirq] ?? ''),
      ...parseHistogram('wait', contents[wait] ?? ''),
    }),
  };
}

/** By number, as the kernel has had them since 2.6. */
const VECTORS = [
  ...['HI', 'TIMER', 'NET_TX', 'NET_RX', 'BLOCK', 'IRQ_POLL', 'TASKLET', 'SCHED', 'HRTIMER', 'RCU'],
];

/** `{ function: [ffffffffc0702f40] estimation_timer [ip_vs]   , us: ~ 2^13 } hitcount:         16` */
const BUCKET = /^\{ (function|vec): +(.*?) *, us: ~ 2\^([0-3]?\d) *\} hitcount: +(\d+)$/;
const FUNCTION = /^\[[0-9a-f]+\] ([\w.]+)(?: \[(\w+)\])?$/;

/**
 * Returns `timer:estimation_timer[ip_vs].8192: 16`: sixteen runs took 8192 microseconds or less, and more than half of that,
 * which is as exactly as the kernel counts. `timer.dropped` are runs that found no room: the table was full. Nothing at
 * all where the text is cut off.
 */
export function parseHistogram(length: string, text: string): Record<string, number> {
  const dropped = /\n {4}Dropped: (\d+)\n/.exec(text)?.[1];
  if (dropped === undefined) return {};
  const values: Record<string, number> = { [`${length}.dropped`]: Number(dropped) };
  for (const line of text.split('\n')) {
    const [, key, what = '', power, count] = BUCKET.exec(line) ?? [];
    const name = key === 'vec' ? VECTORS[Number(what)] : functionName(what);
    if (name === undefined) continue;
    const bucket = `${length}:${name}.${2 ** Number(power)}`;
    values[bucket] = (values[bucket] ?? 0) + Number(count);
  }
  return values;
}

function functionName(symbol: string): string | undefined {
  const [, name, module] = FUNCTION.exec(symbol) ?? [];
  return name === undefined || module === undefined ? name : `${name}[${module}]`;
}
