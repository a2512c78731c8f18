/**
 * Reboots the machine under a node: `graceful` as an operator does it (the node is told, and ends its services first), or by
 * `reset`, as a watchdog or a cloud's reset button does (nothing is told, and nothing is written back).
 */
import { z } from 'zod';
import type { Fault } from './fault.ts';
import { nodeParam } from './node-param.ts';
import { BACK_MS, must, restarting, switchOf } from './restart.ts';

const params = z.strictObject({
  node: nodeParam,
  how: z
    .enum(['graceful', 'reset'])
    .default('graceful')
    .describe('graceful: the node is told, and ends its services; reset: the button'),
});

export const reboot: Fault<z.infer<typeof params>> = {
  name: 'reboot',
  params,
  prepare: async ({ how }, { node, agent, controller, restartBy }) => {
    const { power, restartBy: restart } = switchOf(node, restartBy);
    const tell = { argv: ['systemctl', '--no-block', 'reboot'] } as const;
    return Promise.resolve({
      where: 'controller',
      // A machine that reboots comes back by itself; what is left to confirm is that it runs.
      undo: { undo: [], restore: [], verify: power.verify, timeoutMs: BACK_MS },
      over: () => Promise.resolve(),
      ...restarting({ node, agent }, restart, {
        why: `the fault reboot (${how})`,
        offMs: 0,
        deed: () => (how === 'reset' ? must(controller, power.reset) : must(agent, tell)),
      }),
    });
  },
};
