/**
 * Lets a node's kernel write down each timer that fires, on all of its CPUs, in a ring buffer of the last seconds. How long
 * none fired is how long its machine stood still. A process cannot tell that as closely: after a stall, everybody on the
 * node is late and wants the CPUs, and 5 s looked to the agent like 5.02 to 5.5 s where the kernel had 5.000 to 5.007 s.
 *
 * What it costs: some microseconds for each timer.
 */
import { z } from 'zod';
import { prettyCommand, type Command } from '../../core/command.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { NodeAgent } from '../../core/node.ts';
import { TRACEFS } from '../../core/softirq-trace.ts';
import type { Fault, Standstill } from '../faults/fault.ts';
import { nodeParam } from '../faults/node-param.ts';
import { prepareTrace } from './tracefs.ts';

const params = z.strictObject({ node: nodeParam });

const ASK_MS = 20_000;
const SETTINGS = [
  ['trace_clock', 'mono'],
  // Of each CPU; some 3 000 timers, which are a few seconds of a busy one.
  ['buffer_size_kb', '128'],
] as const;

export const traceTimers: Fault<z.infer<typeof params>> = {
  name: 'trace-timers',
  params,
  prepare: async (_, target) => {
    const events = ['timer/hrtimer_expire_entry'];
    const trace = { instance: target.tag, synthetic: [], settings: SETTINGS, triggers: [], events };
    return {
      ...(await prepareTrace(target, trace)),
      felt: async () => {
        const { length } = timersIn(await read(target.agent, target.tag));
        return { felt: length > 0, evidence: `the kernel has written down ${length} timers` };
      },
    };
  },
};

/** @param tag of the `trace-timers` that is in force on this node */
export function standstillOf(agent: NodeAgent, tag: string): Standstill {
  return {
    forget: async () => {
      // It is opened with O_TRUNC, which empties it (tracing_open in kernel/trace/trace.c).
      await ask(agent, { argv: ['cp', '/dev/null', fileOf(tag)] });
    },
    longestMs: async () => longestGapMs(timersIn(await read(agent, tag))),
  };
}

function fileOf(tag: string): string {
  return `${TRACEFS}/instances/${tag}/trace`;
}

function read(agent: NodeAgent, tag: string): Promise<string> {
  return ask(agent, { argv: ['cat', fileOf(tag)] });
}

async function ask(agent: NodeAgent, command: Command): Promise<string> {
  const { exitCode, stdout, stderr } = await agent.run(command, { timeoutMs: ASK_MS });
  if (exitCode === 0) return stdout;
  const why = `\`${prettyCommand(command)}\` on ${agent.name} ended with ${exitCode ?? 'a signal'}`;
  throw new CoalmineError('command', `${why}: ${stderr.trim()}`);
}

/** `          <idle>-0       [001] d.h1.   123.456789: hrtimer_expire_entry: hrtimer=…` */
const LINE = /^.{16,}-\d+ +\[\d+\] \S+ +(\d+\.\d+): hrtimer_expire_entry:/gm;

/** Returns when each timer fired, in ms of the node's monotonic clock, in order. */
export function timersIn(trace: string): number[] {
  return [...trace.matchAll(LINE)].map(([, s]) => Number(s) * 1_000).sort((a, b) => a - b);
}

/** Undefined where there are no two. */
export function longestGapMs(timesMs: readonly number[]): number | undefined {
  if (timesMs.length < 2) return undefined;
  return timesMs
    .slice(1)
    .reduce((most, ms, index) => Math.max(most, ms - (timesMs[index] ?? ms)), 0);
}
