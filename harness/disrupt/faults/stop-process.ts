/**
 * SIGSTOP of a component on a node: it is there, holds its ports and does nothing. In a kind node the processes of pods
 * (kube-proxy) are visible in the node's own /proc.
 */
import { z } from 'zod';
import { positiveDurationSchema } from '../../core/duration.ts';
import { CoalmineError } from '../../core/errors.ts';
import type { Fault } from './fault.ts';
import { nodeParam } from './node-param.ts';
import { continueProcesses, countStopped, findProcesses, stopProcesses } from './processes.ts';

const params = z.strictObject({
  unit: z
    .string()
    .regex(/^[\w.-]+$/, { error: 'the file name of a program, for example kube-proxy or kubelet' }),
  node: nodeParam,
  for: positiveDurationSchema,
});

const UNDO_MS = 10_000;

export const stopProcess: Fault<z.infer<typeof params>> = {
  name: 'stop-process',
  params,
  prepare: async ({ unit }, { agent, node }) => {
    const processes = await findProcesses(agent, unit);
    const pids = processes.map(({ pid }) => pid).join(', ');
    if (processes.length === 0) {
      throw new CoalmineError('inject', `no process named ${unit} runs on ${node.name}`);
    }
    return {
      where: 'node',
      inject: [stopProcesses(processes)],
      undo: {
        undo: [continueProcesses(processes)],
        restore: [],
        verify: { command: countStopped(processes), exitCode: 0, stdout: '0' },
        timeoutMs: UNDO_MS,
      },
      felt: async () => {
        const answer = await agent.run(countStopped(processes), { timeoutMs: UNDO_MS });
        const stopped = Number(answer.stdout.trim() || Number.NaN);
        return {
          felt: stopped === processes.length,
          evidence: `${stopped} of ${processes.length} ${unit} processes are stopped (pid ${pids}, state T)`,
        };
      },
    };
  },
};
