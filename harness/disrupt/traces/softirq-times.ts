/**
 * Lets a node's kernel count how long softirqs and timer handlers hold a CPU (core/softirq-trace.ts).
 *
 * What it costs: a microsecond or so for each timer and each softirq, nothing for packets as such.
 */
import { z } from 'zod';
import { softirqTrace } from '../../core/softirq-trace.ts';
import type { Fault } from '../faults/fault.ts';
import { nodeParam } from '../faults/node-param.ts';
import { nodeProgram } from '../faults/node-program.ts';
import { prepareTrace } from './tracefs.ts';

const params = z.strictObject({ node: nodeParam });

const ASK_MS = 10_000;

/** The handlers that it has seen end so far: on a node whose clock ticks there is always one. */
const SEEN = `
const lines = require('node:fs').readFileSync(process.argv[1], 'utf8').split('\\n');
console.log(Number(/Hits: (\\d+)/.exec(lines.find((line) => line.includes('Hits: ')) ?? '')?.[1] ?? 0));
`;

export const traceSoftirqTimes: Fault<z.infer<typeof params>> = {
  name: 'trace-softirq-times',
  params,
  prepare: async (_, target) => {
    const { instance, events, triggers, histograms } = softirqTrace(target.tag);
    const trace = { instance, synthetic: events, settings: [], triggers, events: [] };
    return {
      ...(await prepareTrace(target, trace)),
      felt: async () => {
        const seenBy = nodeProgram(SEEN, histograms.softirq);
        const { stdout } = await target.agent.run(seenBy, { timeoutMs: ASK_MS });
        const seen = Number(stdout.trim());
        return {
          felt: seen > 0,
          evidence: `the kernel has counted the lengths of ${seen} softirqs`,
        };
      },
    };
  },
};
